import { generateKeyPairSync } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../src/platform/problem.ts';
import { parsePublicJwk } from '../../src/platform/public-jwk.ts';

const toBase64url = (value: bigint): string => {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
};
const rsaKey = (n: bigint, e = 65_537n): JsonWebKey => ({ kty: 'RSA', n: toBase64url(n), e: toBase64url(e) });

const publicJwk = (type: 'ec' | 'ed25519', namedCurve = 'P-256'): JsonWebKey =>
  (type === 'ec'
    ? generateKeyPairSync('ec', { namedCurve })
    : generateKeyPairSync('ed25519')
  ).publicKey.export({ format: 'jwk' });
const EC = publicJwk('ec');
const ED = publicJwk('ed25519');
/** The key of RFC 7638 section 3.1, with its thumbprint. */
const RSA: JsonWebKey = {
  kty: 'RSA',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
  e: 'AQAB',
};
const RSA_THUMBPRINT = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';
const MODULUS = BigInt(`0x${Buffer.from(RSA.n!, 'base64url').toString('hex')}`);

const refusal = async (jwk: JsonWebKey): Promise<Problem> => {
  const result = await parsePublicJwk(jwk).catch((error: unknown) => error as Problem);
  expect(result).toMatchObject({
    status: 400,
    code: 'validation_failed',
    detail: expect.stringMatching(/key/),
  });
  return result as Problem;
};

describe('a public key', () => {
  it.each<[algorithm: string, jwk: JsonWebKey]>([
    ['ES256', EC],
    ['EdDSA', ED],
    ['RS256', RSA],
  ])('is taken for %s, reduced to its required members', async (algorithm, jwk) => {
    const { thumbprint, ...key } = await parsePublicJwk({ ...jwk, kid: 'mine', alg: algorithm, use: 'sig' });
    expect(key).toEqual({ algorithm, jwk });
    expect(thumbprint).toMatch(/^[\w-]{43}$/);
    if (jwk === RSA) expect(thumbprint).toBe(RSA_THUMBPRINT);
  });

  it.each<[what: string, jwk: JsonWebKey]>([
    ['its newer name for EdDSA', { ...ED, alg: 'Ed25519' }],
    ['verify among its operations', { ...EC, key_ops: ['encrypt', 'verify'] }],
    ['nothing about its purpose', EC],
  ])('is taken with %s', async (_what, jwk) => {
    expect((await parsePublicJwk(jwk)).thumbprint).toMatch(/./);
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'A private key is not taken: one with the member %s',
    async (member) => {
      expect((await refusal({ ...EC, [member]: '' })).detail).toContain(`the member ${member}.`);
    },
  );

  it('is refused with the place of the fault', async () => {
    const { detail, members } = await refusal({ ...EC, use: 'enc' });
    expect(members).toEqual({ errors: [{ path: 'body.publicKey', message: detail }] });
  });

  const okp = (type: 'ed448' | 'x25519'): JsonWebKey =>
    generateKeyPairSync(type as 'ed448').publicKey.export({ format: 'jwk' });
  it.each<[what: string, jwk: () => JsonWebKey, words: RegExp]>([
    ['P-384', () => publicJwk('ec', 'P-384'), /^Use a key for/],
    ['P-521', () => publicJwk('ec', 'P-521'), /^Use a key for/],
    ['secp256k1', () => publicJwk('ec', 'secp256k1'), /^Use a key for/],
    ['Ed448', () => okp('ed448'), /^Use a key for/],
    ['X25519', () => okp('x25519'), /^Use a key for/],
    ['a point that is not on the curve', () => ({ ...EC, x: publicJwk('ec').x! }), /not a JWK/],
    ['no point', () => ({ kty: 'EC', crv: 'P-256' }), /not a JWK/],
    ['a coordinate that is a number', () => ({ ...EC, x: 1 as never }), /not a JWK/],
    ['an unknown kind', () => ({ kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' }), /not a JWK/],
    ['a key for encryption', () => ({ ...RSA, use: 'enc' }), /^The use of the key must be sig/],
    ['a key to sign with', () => ({ ...EC, key_ops: ['sign'] }), /must contain verify/],
    ['operations that are no list', () => ({ ...EC, key_ops: 'verify' as never }), /must contain verify/],
    ['an RSA key for PS256', () => ({ ...RSA, alg: 'PS256' }), /^This is a key for RS256/],
    ['an EC key for RS256', () => ({ ...EC, alg: 'RS256' }), /^This is a key for ES256/],
    ['a key set', () => ({ keys: [EC] }), /not a JWK/],
  ])('A weak or foreign key is not taken: %s', async (_what, jwk, words) => {
    const { detail, cause } = await refusal(jwk());
    expect(detail).toMatch(words);
    expect(cause instanceof Error).toBe(detail.includes('not a JWK'));
  });
});

describe('an RSA key', () => {
  /** 2^2203 - 1, which is prime. */
  const MERSENNE = (1n << 2_203n) - 1n;
  const SMALL = Array.from({ length: 757 }, (_, n) => BigInt(n + 2));
  /** The first number of so many bits that nothing up to 758 divides. */
  const sound = (bits: number): bigint => {
    let n = (1n << BigInt(bits - 1)) + 1n;
    while (SMALL.some((factor) => n % factor === 0n)) n += 2n;
    return n;
  };

  it.each<[what: string, n: bigint]>([
    ['2048 bits', sound(2_048)],
    ['4096 bits', sound(4_096)],
    ['the smallest factor that is no sign of a weak one', 757n * MERSENNE],
  ])('is taken with a modulus of %s', async (_what, n) => {
    expect((await parsePublicJwk(rsaKey(n))).algorithm).toBe('RS256');
  });

  const BITS = /2048 to 4096 bits/;
  const EXPONENT = /exponent 65537/;
  const WEAK = /^The modulus of this RSA key is weak/;
  it.each<[what: string, jwk: JsonWebKey, words: RegExp]>([
    ['2047 bits', rsaKey(sound(2_047)), BITS],
    ['4097 bits', rsaKey(sound(4_097)), BITS],
    ['8192 bits', rsaKey((1n << 8_192n) - 1n), BITS],
    ['an even modulus', rsaKey(MODULUS + 1n), /key/],
    ['a modulus that 3 divides', rsaKey(3n * MERSENNE), WEAK],
    ['a modulus that 751 divides', rsaKey(751n * MERSENNE), WEAK],
    ['a prime modulus', rsaKey(MERSENNE), WEAK],
    ['a modulus of zeros', { ...RSA, n: Buffer.alloc(256).toString('base64url') }, /key/],
    ['no modulus', { kty: 'RSA', e: 'AQAB' }, /key/],
    ['an empty modulus', { ...RSA, n: '' }, /key/],
    ['a modulus of one bit', rsaKey(1n), BITS],
    ['the exponent 0', rsaKey(MODULUS, 0n), /key/],
    ['the exponent 1', rsaKey(MODULUS, 1n), EXPONENT],
    ['the exponent 2', rsaKey(MODULUS, 2n), EXPONENT],
    ['the exponent 3', rsaKey(MODULUS, 3n), EXPONENT],
    ['an even exponent', rsaKey(MODULUS, 65_536n), EXPONENT],
    ['the exponent 65539', rsaKey(MODULUS, 65_539n), EXPONENT],
    ['an exponent of 33 bits', rsaKey(MODULUS, (1n << 32n) + 1n), EXPONENT],
    ['an exponent of 257 bits', rsaKey(MODULUS, (1n << 256n) + 1n), /key/],
    ['an exponent as large as the modulus', rsaKey(MODULUS, MODULUS), /key/],
  ])('A degenerate key is not taken (NIST SP 800-89 section 5.3.3): RSA, %s', async (_what, jwk, words) => {
    expect((await refusal(jwk)).detail).toMatch(words);
  });

  it.each<[what: string, jwk: JsonWebKey, member: string]>([
    ['padding', { ...RSA, n: `${RSA.n!}==` }, 'n'],
    ['a line break', { ...RSA, n: `${RSA.n!}\n` }, 'n'],
    [
      'a zero before its modulus',
      { ...RSA, n: Buffer.from(`00${MODULUS.toString(16)}`, 'hex').toString('base64url') },
      'n',
    ],
    ['a zero before its exponent', { ...RSA, e: 'AAEAAQ' }, 'e'],
  ])('A degenerate key is not taken (RFC 7518 section 6.3.1.1): one with %s', async (_what, jwk, member) => {
    expect((await refusal(jwk)).detail).toContain(`The ${member} of the key is not encoded`);
  });
});

describe('an elliptic curve key', () => {
  const zeros = (bytes: number): string => '00'.repeat(bytes);
  const ones = (bytes: number): string => 'ff'.repeat(bytes);
  /** The eight points of order 1, 2, 4 and 8, each encoding that a lax decoder takes for one of them, and others. */
  it.each<[what: string, hex: string]>([
    ['order 1', `01${zeros(31)}`],
    ['order 2', `ec${ones(30)}7f`],
    ['order 4', zeros(32)],
    ['order 4, the other', `${zeros(31)}80`],
    ['order 8, the first', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['order 8, the second', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'],
    ['order 8, the third', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
    ['order 8, the fourth', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'],
    ['order 1 with a sign', `01${zeros(30)}80`],
    ['order 2 with a sign', `ec${ones(31)}`],
    ['order 4, y as p', `ed${ones(30)}7f`],
    ['order 4, y as p, with a sign', `ed${ones(31)}`],
    ['order 1, y as p + 1', `ee${ones(30)}7f`],
    ['order 1, y as p + 1, with a sign', `ee${ones(31)}`],
    ['y over p', `f0${ones(30)}7f`],
    ['y of ones', ones(32)],
    ['no point of the curve', `02${zeros(31)}`],
    ['31 bytes', zeros(31)],
    ['33 bytes', zeros(33)],
  ])('A degenerate key is not taken (RFC 8032 section 5.1.3): Ed25519, %s', async (_what, hex) => {
    const words = hex.length === 64 ? /^This Ed25519 key is weak/ : /not a JWK/;
    const x = Buffer.from(hex, 'hex').toString('base64url');
    expect((await refusal({ kty: 'OKP', crv: 'Ed25519', x })).detail).toMatch(words);
  });

  /** The generator of P-256, and the point whose x is 0 (SEC 2 section 2.4.2). */
  const X = Buffer.from('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296', 'hex');
  const Y = Buffer.from('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5', 'hex');
  const PRIME = Buffer.from('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff', 'hex');
  const Y_OF_0 = Buffer.from('66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4', 'hex');
  it.each<[what: string, x: Buffer, y: Buffer]>([
    ['zeros', Buffer.alloc(32), Buffer.alloc(32)],
    ['ones', Buffer.alloc(32, 0xff), Buffer.alloc(32, 0xff)],
    ['a coordinate that is the prime', PRIME, Y_OF_0],
    ['31 bytes', Buffer.alloc(31, 1), Buffer.alloc(32, 1)],
    ['33 bytes', Buffer.concat([Buffer.alloc(1), X]), Y],
    ['its coordinates the other way round', Y, X],
    ['the point of another curve', Buffer.alloc(32, 1), Buffer.alloc(32, 2)],
  ])('A degenerate key is not taken (SEC 1 section 3.2.2): P-256, %s', async (_what, x, y) => {
    const [first, second] = [x, y].map((bytes) => bytes.toString('base64url')) as [string, string];
    await refusal({ kty: 'EC', crv: 'P-256', x: first, y: second });
  });
});
