import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeJwt } from 'jose';
import { newClientSecret } from '../src/platform/client-secret.ts';
import { signAccessToken } from '../src/services/tokens/access-token.ts';
import type { AccessTokenClaims } from '../src/services/tokens/claims.ts';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair, signAssertion, signJws } from './support/assertions.ts';
import { basic, call, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';
import { startProxy } from './support/proxy.ts';
import { appUrl } from './support/servers.ts';
import { until } from '../../dev/test/support/until.ts';

let api: TestApi;
let member: TestMember;
let agent: TestAgent;
let reader: TestAgent;
let stranger: TestAgent;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  member = await signUp(api);
  agent = await registerAgent(api, member);
  reader = await registerAgent(api, member, ['tokens:read']);
  stranger = await registerAgent(api, await signUp(api), ['agents:read', 'tokens:read']);
});
afterAll(() => api.close());

const send = (
  path: string,
  authorization: string | undefined,
  form: Record<string, string>,
  to: Pick<TestApi, 'url'> = api,
): Promise<Reply> =>
  call(to, path, {
    method: 'POST',
    headers: authorization === undefined ? {} : { authorization },
    body: new URLSearchParams(form),
  });
const basicOf = ({ clientId, clientSecret }: TestAgent): string => basic(clientId, clientSecret);
const introspect = (caller: TestAgent, token: string) =>
  send('/oauth2/introspect', basicOf(caller), { token });
const revoke = (caller: TestAgent, token: string, form: Record<string, string> = {}) =>
  send('/oauth2/revoke', basicOf(caller), { token, ...form });
const use = (token: string) => call(api, '/agents', { headers: { authorization: `Bearer ${token}` } });

const resign = async (changes: Partial<AccessTokenClaims>): Promise<string> =>
  signAccessToken(api.deps.signingKeys, { ...decodeJwt<AccessTokenClaims>(await agent.token()), ...changes });

const expectInactive = (reply: Reply): void => {
  expect([reply.status, reply.text]).toEqual([200, '{"active":false}']);
  expect(reply.headers.get('cache-control')).toBe('no-store');
};

describe('POST /oauth2/introspect', () => {
  it('A token of the own tenant is told', async () => {
    const token = await agent.token();
    const claims = decodeJwt<AccessTokenClaims>(token);
    expect([claims.credential_id, claims.credential_generation]).toEqual([agent.credentialId, 0]);
    const expected = { active: true, token_type: 'Bearer', ...claims };
    const byBearer = `Bearer ${await reader.token()}`;
    const { clientId, clientSecret } = agent;
    const replies = [
      await introspect(agent, token),
      await introspect(reader, token),
      await send('/oauth2/introspect', undefined, {
        token,
        client_id: clientId,
        client_secret: clientSecret,
        token_type_hint: 'refresh_token',
      }),
      await send('/oauth2/introspect', byBearer, { token }),
    ];
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    };
    const actor = await registerAgent(api, member);
    const exchanged = (await actor.requestToken(form)).body.access_token as string;
    const told = await introspect(agent, exchanged);
    expect(told.body).toEqual({ active: true, token_type: 'Bearer', ...decodeJwt(exchanged) });
    expect(told.body.exchanged_from).toHaveLength(1);
    for (const reply of replies) {
      expect([reply.status, reply.body]).toEqual([200, expected]);
      expect(reply.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('tells of a token for a resource of the tenant, and of who acts', async () => {
    const act = { iss: PUBLIC_URL, sub: agent.agentId, act: { iss: PUBLIC_URL, sub: reader.agentId } };
    const token = await resign({ aud: 'https://crm.example', sub: reader.agentId, act });
    expect((await introspect(agent, token)).body).toMatchObject({
      active: true,
      aud: 'https://crm.example',
      act,
    });
    expect((await use(token)).status).toBe(401);
  });

  it('A stranger learns nothing of a token', async () => {
    const token = await agent.token();
    expectInactive(await introspect(stranger, token));
    expectInactive(await send('/oauth2/introspect', `Bearer ${await stranger.token()}`, { token }));
  });

  const past = (): number => Math.floor(Date.now() / 1_000) - 1;
  const dead: [string, () => Promise<string>][] = [
    ['expired', () => resign({ exp: past() })],
    ['of another issuer', () => resign({ iss: 'http://evil.test' })],
    ['tampered', async () => `${(await agent.token()).slice(0, -4)}AAAA`],
    ['no token', async () => 'nothing'],
    ['a client secret', async () => agent.clientSecret],
    ['too long', async () => 'x'.repeat(5_000)],
    [
      'revoked',
      async () => {
        const token = await agent.token();
        await revoke(agent, token);
        return token;
      },
    ],
    [
      'of a suspended agent',
      async () => {
        const suspended = await registerAgent(api, member);
        const token = await suspended.token();
        await api.sql(`update agents set status = 'suspended' where id = $1`, [suspended.agentId]);
        return token;
      },
    ],
    [
      'of a chain in which one is suspended',
      async () => {
        const suspended = await registerAgent(api, member);
        await api.sql(`update agents set status = 'decommissioned' where id = $1`, [suspended.agentId]);
        return resign({ sub: suspended.agentId, act: { iss: PUBLIC_URL, sub: agent.agentId } });
      },
    ],
  ];
  it.each(dead)('A token that is not live is inactive and nothing else: %s', async (_what, make) => {
    expectInactive(await introspect(agent, await make()));
  });

  const none: [string, () => string | Promise<string>][] = [
    ['a blank', () => ' '],
    ['a NUL', () => '\u0000'],
    ['binary', () => String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))],
    ['characters of four bytes', () => '💩'.repeat(100)],
    ['half a character', () => '\ud800'],
    ['8,193 characters', () => 'x'.repeat(8_193)],
    ['60,000 characters', () => 'x'.repeat(60_000)],
    ['60,000 dots', () => '.'.repeat(60_000)],
    ['a secret of nobody', () => newClientSecret('crd_00000000000000000000000000')],
    ['a session', () => member.cookie],
    ['an agent’s id', () => agent.agentId],
    [
      'a JWT of another',
      () =>
        signJws(newKeyPair(), { alg: 'ES256', typ: 'at+jwt' }, { iss: 'https://issuer.example', exp: 9e9 }),
    ],
    ['a client assertion', () => signAssertion(newKeyPair(), agent.clientId)],
    ['an unsecured JWT', () => 'eyJhbGciOiJub25lIn0.e30.'],
    ['a JWE', () => 'e30.e30.e30.e30.e30'],
  ];
  it.each(none)('What is no token is inactive (RFC 7662 section 2.2): %s', async (_what, make) => {
    const token = await make();
    expectInactive(await introspect(agent, token));
    expectInactive(await send('/oauth2/introspect', `Bearer ${await reader.token()}`, { token }));
  });

  it('What is no token is inactive: an empty one is a missing parameter (RFC 6749 section 3.2)', async () => {
    const reply = await introspect(agent, '');
    expect([reply.status, reply.body.error]).toEqual([400, 'invalid_request']);
  });

  it('is for clients and for tokens with tokens:read alone', async () => {
    const token = await agent.token();
    const refusals = [
      [await send('/oauth2/introspect', undefined, { token }), 401, 'invalid_client'],
      [await send('/oauth2/introspect', basic(agent.clientId, 'wrong'), { token }), 401, 'invalid_client'],
      [await send('/oauth2/introspect', 'Bearer nothing', { token }), 401, 'invalid_token'],
      [await send('/oauth2/introspect', `Bearer ${token}`, { token }), 403, 'insufficient_scope'],
      [await send('/oauth2/introspect', basicOf(agent), {}), 400, 'invalid_request'],
    ] as const;
    for (const [reply, status, error] of refusals) {
      expect([reply.status, reply.body.error]).toEqual([status, error]);
      expect(reply.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('is no API call', async () => {
    const token = await reader.token();
    const usage = async () => (await member.get('/billing/usage')).body;
    const before = await usage();
    expect((await send('/oauth2/introspect', `Bearer ${token}`, { token })).body.active).toBe(true);
    expect(await usage()).toEqual(before);
  });
});

describe('POST /oauth2/revoke', () => {
  const entries = (eventId: unknown) =>
    api.sql(
      `select actor_id, agent_id, metadata from audit_events
       where tenant_id = $1 and action = 'token.revoked' and metadata ->> 'jti' = $2`,
      [member.tenantId, eventId],
    );

  it('ends a token at once, with one entry, and says nothing of a second time', async () => {
    const token = await agent.token();
    expect((await use(token)).status).toBe(200);
    const { jti } = decodeJwt(token);
    for (let i = 0; i < 2; i++) {
      const reply = await revoke(agent, token, { token_type_hint: 'refresh_token' });
      expect([reply.status, reply.text]).toEqual([200, '']);
      expect((await use(token)).status).toBe(401);
    }
    expect(await entries(jti)).toEqual([
      {
        actor_id: agent.agentId,
        agent_id: agent.agentId,
        metadata: { jti, credentialId: agent.credentialId },
      },
    ]);
    expect((await use(await agent.token())).status).toBe(200);
  });

  it('is recorded once when ten ask at the same time', async () => {
    const token = await agent.token();
    const replies = await Promise.all(Array.from({ length: 10 }, () => revoke(agent, token)));
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(await entries(decodeJwt(token).jti)).toHaveLength(1);
  });

  it('The token of another client stays valid', async () => {
    const token = await agent.token();
    for (const other of [reader, stranger]) {
      const reply = await revoke(other, token);
      expect([reply.status, reply.text]).toEqual([200, '']);
    }
    for (const text of ['nothing', '\u0000', 'x'.repeat(60_000)]) {
      expect((await revoke(agent, text)).status).toBe(200);
    }
    expect((await use(token)).status).toBe(200);
    expect(await entries(decodeJwt(token).jti)).toEqual([]);
  });

  it('A client secret is not revoked as a token', async () => {
    const reply = await revoke(agent, agent.clientSecret);
    expect([reply.status, reply.body.error]).toEqual([400, 'unsupported_token_type']);
    expect((await agent.requestToken()).status).toBe(200);
  });

  it('is for clients alone', async () => {
    const token = await agent.token();
    for (const authorization of [undefined, `Bearer ${await reader.token()}`, basic(agent.clientId, 'x')]) {
      const reply = await send('/oauth2/revoke', authorization, { token });
      expect([reply.status, reply.body.error]).toEqual([401, 'invalid_client']);
    }
    expect((await use(token)).status).toBe(200);
  });

  it('An unrecorded revocation is not confirmed', async () => {
    const proxy = await startProxy(appUrl(api.database));
    const second = await startApi({
      database: api.database,
      env: { APP_DATABASE_URL: proxy.url, RATE_LIMIT_MAX_REQUESTS: '1000000' },
    });
    const token = await agent.token();
    const ask = () => send('/oauth2/revoke', basicOf(agent), { token }, second);
    expect((await send('/oauth2/introspect', basicOf(agent), { token }, second)).status).toBe(200);
    await proxy.cut();
    const reply = await ask();
    expect([reply.status, reply.body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(reply.headers.get('retry-after')).toBe('1');
    expect(await api.sql('select 1 from revoked_tokens where jti = $1', [decodeJwt(token).jti])).toEqual([]);
    await proxy.mend();
    await until('Postgres is back', async () => (await ask()).status === 200);
    expect((await introspect(agent, token)).text).toBe('{"active":false}');
    await second.close();
    await proxy.close();
  });
});

it('A stolen token hinders no revocation of its owner’s', async () => {
  const limited = await startApi({
    env: { RATE_LIMIT_MAX_REQUESTS: '5', RATE_LIMIT_WINDOW_MS: '600000' },
  });
  const owner = await registerAgent(limited, await signUp(limited), ['tokens:read']);
  const stolen = await owner.token();
  const post = (path: string, authorization: string) =>
    call(limited, path, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ token: stolen }),
    });
  const statuses = [];
  for (let i = 0; i < 8; i++) statuses.push((await post('/oauth2/introspect', `Bearer ${stolen}`)).status);
  expect(statuses.at(-1)).toBe(429);
  const secret = basic(owner.clientId, owner.clientSecret);
  expect((await owner.requestToken()).status).toBe(200);
  expect((await post('/oauth2/revoke', secret)).status).toBe(200);
  await limited.close();
});
