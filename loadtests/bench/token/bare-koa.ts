import { randomUUID, webcrypto } from 'node:crypto';
import Koa from 'koa';
import { SCOPE, TOKEN_SECONDS, readSettings } from './settings.ts';

/**
 * The limit: a handler that does nothing but sign a token of the same claims, by the same call on the same thread
 * pool. It reads no body, knows no client and keeps nothing.
 */
const { port, clients } = readSettings();
const [{ tenantId, clientId } = { tenantId: '', clientId: '' }] = clients;
const ES256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const { privateKey } = (await webcrypto.subtle.generateKey(ES256, false, [
  'sign',
])) as webcrypto.CryptoKeyPair;
const issuer = `http://127.0.0.1:${port}`;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const issue = async (): Promise<string> => {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = {
    ...{ iss: issuer, aud: issuer, sub: clientId, client_id: clientId, tenant_id: tenantId },
    ...{ scope: SCOPE, jti: randomUUID(), iat, exp: iat + TOKEN_SECONDS },
  };
  const input = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })}.${encode(claims)}`;
  const signature = await webcrypto.subtle.sign(ES256, privateKey, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
};

const app = new Koa();
app.use(async (ctx) => {
  ctx.body = {
    access_token: await issue(),
    token_type: 'Bearer',
    expires_in: TOKEN_SECONDS,
    scope: SCOPE,
  };
});
app.listen(port, '127.0.0.1');
