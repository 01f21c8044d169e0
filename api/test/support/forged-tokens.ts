import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { JWTPayload } from 'jose';

export interface Honest {
  /** A token that is accepted. */
  token: string;
  /** The key that signed it. */
  privateKey: KeyObject;
}

type Json = Record<string, unknown>;

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const es256 = (input: string, key: KeyObject, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363'): string =>
  sign('sha256', Buffer.from(input), { key, dsaEncoding }).toString('base64url');

/** The character that decodes to the same bytes at the end of 64: its last four bits are not used. */
const twin = (character: string): string => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(character) ^ 1]!;
};

const without = (object: Json, name: string): Json =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));

/** Tokens that nobody signed, or somebody else did. */
const byStrangers = ({ token, privateKey }: Honest): [string, string][] => {
  const header = decodeProtectedHeader(token) as Json;
  const claims = decodeJwt(token);
  const [head = '', body = '', signature = ''] = token.split('.');
  const own = createPublicKey(privateKey);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ed = generateKeyPairSync('ed25519');
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const otherJwk = other.publicKey.export({ format: 'jwk' });
  const forge = (changes: Json, payload: Json = claims): string => {
    const input = `${encode({ ...header, ...changes })}.${encode(payload)}`;
    return `${input}.${es256(input, other.privateKey)}`;
  };
  const hmac = (alg: string, key: string | Buffer): string => {
    const input = `${encode({ ...header, alg })}.${encode(claims)}`;
    return `${input}.${createHmac(`sha${alg.slice(2)}`, key)
      .update(input)
      .digest('base64url')}`;
  };
  const plain = (alg: unknown, end = ''): string => `${encode({ ...header, alg })}.${body}.${end}`;
  const secrets: [string, string | Buffer][] = [
    ['PEM', own.export({ type: 'spki', format: 'pem' })],
    ['PEM without its end', own.export({ type: 'spki', format: 'pem' }).toString().trimEnd()],
    ['DER', own.export({ type: 'spki', format: 'der' })],
    ['JWK', JSON.stringify(own.export({ format: 'jwk' }))],
    ['kid', String(header.kid)],
    ['nothing', ''],
    ['a word', 'secret'],
  ];
  const kids: [string, unknown][] = [
    ['a path', '../../../../dev/null'],
    ['SQL', "x' union select 'AA' --"],
    ['a URL', 'http://127.0.0.1:9/key'],
    ['nothing', ''],
    ['null', null],
    ['a number', 0],
    ['a list', [header.kid]],
    ['an object', { kid: header.kid }],
    ['a prototype', '__proto__'],
    ['a space after it', `${String(header.kid)} `],
    ['a NUL after it', `${String(header.kid)}\0`],
    ['10,000 characters', 'k'.repeat(10_000)],
  ];
  const rs = `${encode({ ...header, alg: 'RS256' })}.${body}`;
  const es384 = `${encode({ ...header, alg: 'ES384' })}.${body}`;
  const eddsa = `${encode({ ...header, alg: 'EdDSA' })}.${body}`;
  return [
    ...['none', 'None', 'NONE', 'nOnE', '', null, 0, [], ['none'], {}, 'null'].map(
      (alg): [string, string] => [`alg ${JSON.stringify(alg)}`, plain(alg)],
    ),
    ...['none', 'None'].map((alg): [string, string] => [
      `alg ${alg} with the signature`,
      plain(alg, signature),
    ]),
    ['no alg', `${encode(without(header, 'alg'))}.${body}.${signature}`],
    ...['HS256', 'HS384', 'HS512'].flatMap((alg) =>
      secrets.map(([name, key]): [string, string] => [`${alg} with ${name}`, hmac(alg, key)]),
    ),
    ['RS256 of a stranger', `${rs}.${sign('sha256', Buffer.from(rs), rsa.privateKey).toString('base64url')}`],
    ['ES384 of a stranger', `${es384}.${es256(es384, p384.privateKey)}`],
    [
      'EdDSA of a stranger',
      `${eddsa}.${sign(null, Buffer.from(eddsa), ed.privateKey).toString('base64url')}`,
    ],
    ['another key under our kid', forge({})],
    ['another key without a kid', forge({ kid: undefined })],
    ...kids.map(([name, kid]): [string, string] => [`kid: ${name}`, forge({ kid })]),
    ['its own jwk', forge({ jwk: otherJwk })],
    ['its own jwk and no kid', forge({ jwk: otherJwk, kid: undefined })],
    ['a jku', forge({ jku: 'http://127.0.0.1:9/jwks', kid: 'x' })],
    ['an x5u', forge({ x5u: 'http://127.0.0.1:9/cert' })],
    ['an x5c', forge({ x5c: [other.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] })],
    ['an embedded JWKS', forge({ jwks: { keys: [otherJwk] } })],
    ['b64 false', forge({ b64: false, crit: ['b64'] })],
    ['another issuer of a stranger', forge({}, { ...claims, iss: 'http://127.0.0.1:9' })],
    ['a signature of zeros', `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`],
    ['a signature of ones', `${head}.${body}.${Buffer.alloc(64, 0xff).toString('base64url')}`],
    ['half a signature', `${head}.${body}.${signature.slice(0, 43)}`],
    ['a longer signature', `${head}.${body}.${signature}AAAA`],
    ['a signature in DER', `${head}.${body}.${es256(`${head}.${body}`, other.privateKey, 'der')}`],
    ['the signature of another token', `${head}.${encode({ ...claims, jti: 'evt_other' })}.${signature}`],
    ['no signature', `${head}.${body}.`],
    ['two segments', `${head}.${body}`],
    ['four segments', `${token}.${signature}`],
    ['five segments', `${token}.${head}.${body}`],
    ['one segment', head],
    ['dots', '..'],
    ['its segments swapped', `${body}.${head}.${signature}`],
    ['padding', `${head}.${body}.${signature}==`],
    ['other unused bits', `${head}.${body}.${signature.slice(0, -1)}${twin(signature.at(-1)!)}`],
    ['plain base64', `${head}.${Buffer.from(body, 'base64url').toString('base64')}.${signature}x`],
    ...(['scope', 'tenant_id', 'sub', 'client_id', 'exp', 'aud', 'iss', 'jti', 'iat'] as const).map(
      (name): [string, string] => [
        `its ${name} altered`,
        `${head}.${encode({ ...claims, [name]: typeof claims[name] === 'number' ? 4_000_000_000 : 'altered' })}.${signature}`,
      ],
    ),
    ['a body that is no JSON', `${head}.${encode('{"sub":')}.${signature}`],
    ['a body that is a list', `${head}.${encode([claims])}.${signature}`],
    ['a header that is no JSON', `${encode('{"alg"')}.${body}.${signature}`],
    ['a header that is a list', `${encode([header])}.${body}.${signature}`],
    [
      'a header with its alg twice',
      `${encode(`{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"${String(header.kid)}"}`)}.${body}.${signature}`,
    ],
    ['a deep header', `${encode(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`)}.${body}.${signature}`],
    ['100,000 characters', `${head}.${'A'.repeat(100_000)}.${signature}`],
  ];
};

/** Tokens that our key did sign, and that are none of ours all the same: of another kind, for another, of another time. */
const misused = ({ token, privateKey }: Honest): [string, string][] => {
  const header = decodeProtectedHeader(token) as Json;
  const claims = decodeJwt(token) as JWTPayload & Json;
  const now = Math.floor(Date.now() / 1_000);
  const signed = (payload: unknown, changes: Json = {}): string => {
    const input = `${encode({ ...header, ...changes })}.${encode(payload)}`;
    return `${input}.${es256(input, privateKey)}`;
  };
  const aud = String(claims.aud);
  return [
    ...[
      'JWT',
      'jwt',
      '',
      'id_token',
      'logout+jwt',
      'client-authentication+jwt',
      'dpop+jwt',
      'at+jwt ',
      'secevent+jwt',
    ].map((typ): [string, string] => [`typ "${typ}"`, signed(claims, { typ })]),
    ['no typ', signed(claims, { typ: undefined })],
    ['an unknown critical header', signed(claims, { crit: ['exp'], exp: now })],
    ['an empty crit', signed(claims, { crit: [] })],
    ['an alg that its key is not of', signed(claims, { alg: 'ES384' })],
    ...['iss', 'aud', 'sub', 'client_id', 'tenant_id', 'scope', 'jti', 'iat', 'exp'].map(
      (name): [string, string] => [`no ${name}`, signed(without(claims, name))],
    ),
    ...[
      `${aud}/`,
      aud.toUpperCase(),
      `${aud}.`,
      'https://elsewhere.example',
      '',
      [aud, 'https://elsewhere.example'],
      null,
    ].map((value): [string, string] => [`aud ${JSON.stringify(value)}`, signed({ ...claims, aud: value })]),
    ...[`${aud}/`, 'https://elsewhere.example', '', [aud], null].map((iss): [string, string] => [
      `iss ${JSON.stringify(iss)}`,
      signed({ ...claims, iss }),
    ]),
    ...[now - 1, now - 86_400, 0, -1, String(now + 600), null, {}].map((exp): [string, string] => [
      `exp ${JSON.stringify(exp)}`,
      signed({ ...claims, exp }),
    ]),
    ['an nbf in the future', signed({ ...claims, nbf: now + 600 })],
    ['another subject than its client', signed({ ...claims, sub: 'agt_00000000000000000000000000' })],
    ['another client than its subject', signed({ ...claims, client_id: 'agt_00000000000000000000000000' })],
    ['a body that is a list', signed([claims])],
    ['a body that is a word', signed('"sub"')],
    ['a body that is null', signed(null)],
  ];
};

/** At least 120 tokens that nothing of ours may accept, each with what is wrong with it. */
export const forgedTokens = (honest: Honest): [string, string][] => [
  ...byStrangers(honest),
  ...misused(honest),
];
