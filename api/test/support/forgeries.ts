import { createHmac, generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { signAccessToken } from '../../src/services/tokens/access-token.ts';
import type { AccessTokenClaims } from '../../src/services/tokens/access-token.ts';
import type { TestApi } from './api.ts';
import { signJws } from './assertions.ts';
import type { TestAgent } from './callers.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = (): number => Math.floor(Date.now() / 1_000);

/** Tokens that nothing of ours may take for an access token; the names continue "a token with …". */
export const forgeries = (
  start: () => { api: TestApi; agent: TestAgent },
): [what: string, make: () => Promise<string>][] => {
  const claims = async (changes: Partial<AccessTokenClaims> = {}): Promise<AccessTokenClaims> => ({
    ...decodeJwt<AccessTokenClaims>(await start().agent.token()),
    ...changes,
  });
  const resign = async (changes: Partial<AccessTokenClaims>) =>
    signAccessToken(start().api.deps.signingKeys, await claims(changes));
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const forge = async (header: object, key = privateKey): Promise<string> =>
    signJws({ algorithm: 'ES256', privateKey: key }, header, await claims());
  const header = async () => decodeProtectedHeader(await start().agent.token());
  const unsigned = async () => (await start().agent.token()).split('.').slice(0, 2).join('.');

  return [
    ['alg none', async () => `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(await claims())}.`],
    [
      'HMAC with the public key',
      async () => {
        const input = `${encode({ ...(await header()), alg: 'HS256' })}.${encode(await claims())}`;
        const key = start().api.deps.signingKeys.find((await header()).kid ?? '')!;
        const pem = key.export({ type: 'spki', format: 'pem' });
        return `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`;
      },
    ],
    ['another key under our kid', async () => forge(await header())],
    [
      'a key from its own header',
      async () => forge({ alg: 'ES256', typ: 'at+jwt', jwk: publicKey.export({ format: 'jwk' }) }),
    ],
    ['a jku', async () => forge({ ...(await header()), kid: 'x', jku: 'http://127.0.0.1/jwks' })],
    ['a kid that is a path', async () => forge({ alg: 'ES256', typ: 'at+jwt', kid: '../../dev/null' })],
    ['an unknown critical header', async () => forge({ ...(await header()), crit: ['x'], x: 1 })],
    ['a signature of zeros', async () => `${await unsigned()}.${Buffer.alloc(64).toString('base64url')}`],
    ['an empty signature', async () => `${await unsigned()}.`],
    [
      'an altered payload',
      async () => {
        const [head, , signature] = (await start().agent.token()).split('.');
        return `${head}.${encode(await claims({ scope: 'agents:write' }))}.${signature}`;
      },
    ],
    [
      'typ JWT, though its signature holds',
      async () => forge({ ...(await header()), typ: 'JWT' }, start().api.deps.signingKeys.current.privateKey),
    ],
    ['another issuer', () => resign({ iss: 'http://evil.test' })],
    ['another audience', () => resign({ aud: 'https://nowhere.example' })],
    ['a list of audiences', () => resign({ aud: ['http://api.test', 'http://x.test'] as unknown as string })],
    ['an audience with a slash', () => resign({ aud: 'http://api.test/' })],
    ['an end in the past', () => resign({ exp: now() - 1 })],
    ['no end', () => resign({ exp: undefined })],
    ['no tenant', () => resign({ tenant_id: undefined })],
    ['another subject than its client', () => resign({ sub: 'agt_other' })],
    ['an actor that is not its client', () => resign({ act: { sub: 'agt_other' } })],
    ['too many characters', async () => `${await start().agent.token()}${'A'.repeat(5_000)}`],
    ['a client secret for a token', async () => start().agent.clientSecret],
  ];
};
