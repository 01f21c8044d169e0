import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import type { JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signAccessToken } from '../src/services/tokens/access-token.ts';
import type { AccessTokenClaims } from '../src/services/tokens/claims.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';

let api: TestApi;
let member: TestMember;
let agent: TestAgent;

beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  member = await signUp(api);
  agent = await registerAgent(api, member, ['agents:read', 'billing:read']);
});
afterAll(() => api.close());

const expectOAuthError = (reply: Reply, status: number, error: string): void => {
  expect([reply.status, reply.body.error]).toEqual([status, error]);
  expect(reply.body.error_description).toEqual(expect.any(String));
  expect(reply.headers.get('cache-control')).toBe('no-store');
};

describe('POST /oauth2/token', () => {
  it('A token carries these claims and no others, and an independent verifier accepts it', async () => {
    const reply = await agent.requestToken();
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'agents:read billing:read',
    });
    expect(reply.headers.get('cache-control')).toBe('no-store');
    const token = reply.body.access_token as string;
    const keys = await api.sql(
      `select public_jwk || jsonb_build_object('kid', kid) as jwk from signing_keys`,
    );
    const jwks = createLocalJWKSet({ keys: keys.map(({ jwk }) => jwk as JWK) });
    const options = {
      algorithms: ['ES256'],
      typ: 'at+jwt',
      issuer: 'http://api.test',
      audience: 'http://api.test',
    };
    const { payload } = await jwtVerify(token, jwks, options);
    expect(payload).toEqual({
      iss: 'http://api.test',
      aud: 'http://api.test',
      sub: agent.agentId,
      client_id: agent.agentId,
      tenant_id: member.tenantId,
      credential_id: agent.credentialId,
      credential_generation: 0,
      scope: 'agents:read billing:read',
      jti: expect.stringMatching(/^evt_/),
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 900,
    });
  });

  it('takes the client by Basic, form-encoded, or in the body', async () => {
    const form = { grant_type: 'client_credentials' };
    const encoded = basic(encodeURIComponent(agent.clientId), encodeURIComponent(agent.clientSecret));
    expect((await requestToken(api, encoded, form)).status).toBe(200);
    const inBody = { ...form, client_id: agent.clientId, client_secret: agent.clientSecret };
    expect((await requestToken(api, undefined, inBody)).status).toBe(200);
    const two = await requestToken(api, encoded, inBody);
    expectOAuthError(two, 400, 'invalid_request');
  });

  it('A wider scope is refused, and a narrower one is narrowed to', async () => {
    expect((await agent.requestToken({ scope: 'billing:read' })).body.scope).toBe('billing:read');
    expect((await agent.requestToken({ scope: '' })).body.scope).toBe('agents:read billing:read');
    expectOAuthError(await agent.requestToken({ scope: 'billing:read agents:write' }), 400, 'invalid_scope');
    expectOAuthError(await agent.requestToken({ scope: ' ' }), 400, 'invalid_scope');
  });

  it.each([
    ['an unknown agent', () => basic('agt_00000000000000000000000000', agent.clientSecret)],
    [
      'a wrong secret',
      () =>
        basic(
          agent.clientId,
          agent.clientSecret.replace(/.$/, (end) => (end === '0' ? '1' : '0')),
        ),
    ],
    ['a well-formed secret of nobody', () => basic(agent.clientId, otherSecret(agent.clientSecret))],
    ['no secret', () => basic(agent.clientId, '')],
    ['no colon', () => `Basic ${Buffer.from('nothing').toString('base64')}`],
    ['broken form-encoding', () => basic('%zz', 'x')],
    ['a NUL', () => basic('agt_\u0000', 'x\u0000')],
    ['another scheme', () => 'Digest x'],
    ['nothing', () => undefined],
  ])('refuses %s with 401 invalid_client and says how', async (_what, authorization) => {
    const reply = await requestToken(api, authorization(), { grant_type: 'client_credentials' });
    expectOAuthError(reply, 401, 'invalid_client');
    expect(reply.headers.get('www-authenticate')).toMatch(/^Basic /);
  });

  it('An unknown client and a wrong secret look alike', async () => {
    const secret = otherSecret(agent.clientSecret);
    const answers = new Set<string>();
    for (let i = 0; i < 5; i++) {
      for (const clientId of ['agt_00000000000000000000000000', agent.clientId]) {
        const reply = await requestToken(api, basic(clientId, secret), { grant_type: 'client_credentials' });
        const headers = [...reply.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
        answers.add(JSON.stringify([reply.status, headers, reply.text]));
      }
    }
    expect(answers.size).toBe(1);
  });

  it('refuses another tenant’s agent with this secret', async () => {
    const stranger = await registerAgent(api, await signUp(api));
    const reply = await requestToken(api, basic(stranger.clientId, agent.clientSecret), {
      grant_type: 'client_credentials',
    });
    expectOAuthError(reply, 401, 'invalid_client');
  });

  it.each([
    ['another grant', 'grant_type=password', 400, 'unsupported_grant_type'],
    ['no grant', 'scope=agents:read', 400, 'invalid_request'],
    ['an empty grant', 'grant_type=', 400, 'invalid_request'],
    [
      'a repeated parameter',
      'grant_type=client_credentials&grant_type=client_credentials',
      400,
      'invalid_request',
    ],
    ['a repeated unknown parameter', 'grant_type=client_credentials&x=1&x=2', 400, 'invalid_request'],
    ['a huge body', `grant_type=client_credentials&x=${'x'.repeat(70_000)}`, 413, 'invalid_request'],
  ])('refuses %s', async (_what, body, status, error) => {
    const reply = await call(api, '/oauth2/token', {
      method: 'POST',
      headers: {
        authorization: basic(agent.clientId, agent.clientSecret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body,
    });
    expectOAuthError(reply, status, error);
  });

  it('A repeated parameter is an invalid request, whatever it says', async () => {
    const send = (body: string, query = '') =>
      call(api, `/oauth2/token${query}`, {
        method: 'POST',
        headers: {
          authorization: basic(agent.clientId, agent.clientSecret),
          'content-type': 'application/x-www-form-urlencoded',
        },
        body,
      });
    const grant = 'grant_type=client_credentials';
    for (const twice of ['scope=agents:read&scope=agents:read', 'scope=agents:read&scope=', 'scope=&scope='])
      expectOAuthError(await send(`${grant}&${twice}`), 400, 'invalid_request');
    expectOAuthError(await send('scope=agents:read', `?${grant}`), 400, 'invalid_request');
    expect((await send(grant, '?scope=agents:write')).body.scope).toBe('agents:read billing:read');
  });

  it('ignores a parameter that it does not know', async () => {
    expect((await agent.requestToken({ colour: 'blue' })).status).toBe(200);
  });

  it('A token cannot be got by GET, nor with another body than a form', async () => {
    const get = await call(api, '/oauth2/token');
    expectOAuthError(get, 405, 'invalid_request');
    expect(get.headers.get('allow')).toBe('POST');
    const json = await call(api, '/oauth2/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expectOAuthError(json, 415, 'invalid_request');
  });

  it('Failed client authentication is limited before hashing, in the /64 of its address alone', async () => {
    const victim = await registerAgent(api, member);
    const attempt = (from: string, secret: string) =>
      call(api, '/oauth2/token', {
        method: 'POST',
        headers: { authorization: basic(victim.clientId, secret), 'x-forwarded-for': from },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      });
    for (let i = 0; i < 20; i++)
      expect((await attempt(`2001:db8:7::${i}`, otherSecret(victim.clientSecret))).status).toBe(401);
    // The right secret: it is not looked at.
    const refused = await attempt('2001:db8:7::ffff', victim.clientSecret);
    expectOAuthError(refused, 429, 'rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await attempt('2001:db8:7:1::', victim.clientSecret)).status).toBe(200);
  });

  it.each(['suspended', 'decommissioned'])(
    'gives a %s agent no token, even from a warm process',
    async (status) => {
      const stopped = await registerAgent(api, member);
      expect((await stopped.requestToken()).status).toBe(200);
      await api.sql('update agents set status = $2 where id = $1', [stopped.agentId, status]);
      expectOAuthError(await stopped.requestToken(), 401, 'invalid_client');
    },
  );

  it.each(['revoked_at', 'expires_at'])('gives a credential past its %s no token', async (column) => {
    const stopped = await registerAgent(api, member);
    expect((await stopped.requestToken()).status).toBe(200);
    await api.sql(`update credentials set ${column} = now() - interval '1 second' where id = $1`, [
      stopped.credentialId,
    ]);
    expectOAuthError(await stopped.requestToken(), 401, 'invalid_client');
  });
});

/** The same secret with other random characters and a checksum that fits. */
const otherSecret = (secret: string): string => {
  const [prefix, credential] = secret.split('_');
  const body = `${prefix}_${credential}_${'A'.repeat(43)}`;
  return `${body}_${crc(body)}`;
};

const crc = (text: string): string => {
  let value = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    value ^= byte;
    for (let i = 0; i < 8; i++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ((value ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
};

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a Bearer token', () => {
  const use = (token: string) => call(api, '/agents', { headers: { authorization: `Bearer ${token}` } });
  const claims = async (changes: Partial<AccessTokenClaims> = {}): Promise<AccessTokenClaims> => ({
    ...decodeJwt<AccessTokenClaims>(await agent.token()),
    ...changes,
  });
  const resign = async (changes: Partial<AccessTokenClaims>) =>
    signAccessToken(api.deps.signingKeys, await claims(changes));
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const forge = async (header: object, key = privateKey): Promise<string> => {
    const input = `${encode(header)}.${encode(await claims())}`;
    return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  const header = async () => decodeProtectedHeader(await agent.token());
  const now = (): number => Math.floor(Date.now() / 1_000);

  it('is accepted, from the cache too', async () => {
    const token = await agent.token();
    expect([(await use(token)).status, (await use(token)).status]).toEqual([200, 200]);
  });

  const forgeries: [string, () => Promise<string>][] = [
    ['alg none', async () => `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(await claims())}.`],
    [
      'HMAC with the public key',
      async () => {
        const input = `${encode({ ...(await header()), alg: 'HS256' })}.${encode(await claims())}`;
        const key = api.deps.signingKeys.find((await header()).kid ?? '')!;
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
    [
      'a signature of zeros',
      async () =>
        `${(await agent.token()).split('.').slice(0, 2).join('.')}.${Buffer.alloc(64).toString('base64url')}`,
    ],
    ['an empty signature', async () => `${(await agent.token()).split('.').slice(0, 2).join('.')}.`],
    [
      'an altered payload',
      async () => {
        const [head, , signature] = (await agent.token()).split('.');
        return `${head}.${encode(await claims({ scope: 'agents:write' }))}.${signature}`;
      },
    ],
    ['another issuer', () => resign({ iss: 'http://evil.test' })],
    ['another audience', () => resign({ aud: 'https://crm.example' })],
    ['a list of audiences', () => resign({ aud: ['http://api.test', 'http://x.test'] as unknown as string })],
    ['an audience with a slash', () => resign({ aud: 'http://api.test/' })],
    ['an end in the past', () => resign({ exp: now() - 1 })],
    ['no end', () => resign({ exp: undefined })],
    ['no tenant', () => resign({ tenant_id: undefined })],
    ['another subject than its client', () => resign({ sub: 'agt_other' })],
    ['too many characters', async () => `${await agent.token()}${'A'.repeat(5_000)}`],
    ['a client secret', async () => agent.clientSecret],
  ];

  it.each(forgeries)('with %s is refused', async (_what, make) => {
    const reply = await use(await make());
    expect([reply.status, reply.body.code]).toEqual([401, 'unauthorized']);
    expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer /);
  });

  it('with typ JWT is refused, though its signature holds', async () => {
    const input = `${encode({ ...(await header()), typ: 'JWT' })}.${encode(await claims())}`;
    const key = api.deps.signingKeys.current.privateKey;
    const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString(
      'base64url',
    );
    expect((await use(`${input}.${signature}`)).status).toBe(401);
  });
});
