import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import Koa from 'koa';
import { SCOPE, TOKEN_SECONDS, readSettings } from './settings.ts';

/**
 * The upper limit: a handler that only signs a token with the same claims. It reads no body, authenticates no client
 * and stores nothing. It signs with the call that returns a JWS signature, or leaves the signature in DER. DER takes
 * half the time, but no verifier accepts the token.
 */
const { port, clients, leavesDer } = readSettings();
const [{ tenantId, clientId } = { tenantId: '', clientId: '' }] = clients;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = leavesDer ? privateKey : { key: privateKey, dsaEncoding: 'ieee-p1363' as const };
const issuer = `http://127.0.0.1:${port}`;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const issue = (): string => {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = {
    ...{ iss: issuer, aud: issuer, sub: clientId, client_id: clientId, tenant_id: tenantId },
    ...{ scope: SCOPE, jti: randomUUID(), iat, exp: iat + TOKEN_SECONDS },
  };
  const input = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })}.${encode(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), signingKey).toString('base64url')}`;
};

const app = new Koa();
app.use((ctx) => {
  ctx.body = {
    access_token: issue(),
    token_type: 'Bearer',
    expires_in: TOKEN_SECONDS,
    scope: SCOPE,
  };
});
app.listen(port, '127.0.0.1');
