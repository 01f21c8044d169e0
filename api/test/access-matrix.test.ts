import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { scopes } from '../src/platform/principal.ts';
import { signAccessToken } from '../src/services/tokens/access-token.ts';
import type { AccessTokenClaims } from '../src/services/tokens/claims.ts';
import { DASHBOARD_URL, PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair } from './support/assertions.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { Json, Reply, TestAgent, TestMember } from './support/callers.ts';
import { operations, send } from './support/operations.ts';
import type { Operation } from './support/operations.ts';
import { until } from '../../dev/test/support/until.ts';

/** Whoever adds an operation that asks for no identity says so here. */
const PUBLIC = [
  'authorize',
  'changePassword',
  'confirmEmail',
  'confirmEmailChange',
  'confirmTwoFactor',
  'endOtherSessions',
  'endSession',
  'getAuthorizationServer',
  'getDetailedHealth',
  'getHealth',
  'getKeys',
  'getOpenApi',
  'getOpenIdConfiguration',
  'getProtectedResource',
  'getReadiness',
  'getSession',
  'getTenant',
  'getTwoFactor',
  'introspectToken',
  'issueToken',
  'listSessions',
  'listTiers',
  'receiveStripeEvent',
  'renewRecoveryCodes',
  'requestEmailChange',
  'requestPasswordReset',
  'requestVerification',
  'resetPassword',
  'revokeToken',
  'signIn',
  'signOut',
  'signUp',
  'startTwoFactor',
  'turnOffTwoFactor',
  'updateTenant',
  'verifyTwoFactor',
];

/** What each operation with an address of somebody's takes, so that it comes to look for that. */
const BODIES: Readonly<Record<string, Json>> = {
  createCredential: {},
  addKey: { publicKey: newKeyPair().publicJwk },
  updateAgent: { description: null },
};

let api: TestApi;
/** A second process of the same deployment. */
let second: TestApi;
let own: TestMember;
let agent: TestAgent;
/** Tokens of agents that were suspended and decommissioned; they worked until then, and both processes know of it. */
let ended: Record<string, string>[];
/** Ids of another tenant, by the name of the path's parameter. */
let foreign: Record<string, string>;
const missing: Record<string, string> = {
  agentId: newId('agt'),
  credentialId: newId('crd'),
  checkoutId: newId('chk'),
  resourceId: newId('res'),
};

beforeAll(async () => {
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'true' };
  api = await startApi({ env });
  second = await startApi({ env, database: api.database });
  own = await signUp(api);
  agent = await registerAgent(api, own, [...scopes]);
  const other = await signUp(api);
  const theirs = await registerAgent(api, other);
  const checkoutId = newId('chk');
  await api.sql(
    `insert into checkouts (tenant_id, id, created_by, created_at) values ($1, $2, 'usr', now())`,
    [other.tenantId, checkoutId],
  );
  const resource = await other.post('/resources', { identifier: 'https://crm.example', scopes: ['read'] });
  const resourceId = resource.body.resourceId as string;
  foreign = { resourceId, agentId: theirs.agentId, credentialId: theirs.credentialId, checkoutId };
  ended = await Promise.all([endAgent('POST', '/suspend'), endAgent('DELETE', '')]);
  await until('the tokens of the ended agents are refused', async () => {
    const replies = ended.flatMap((headers) =>
      [api, second].map((process) => call(process, '/agents', { headers })),
    );
    return (await Promise.all(replies)).every(({ status }) => status === 401);
  });
});
afterAll(async () => {
  await second.close();
  await api.close();
});

const guarded = operations.filter(({ isPublic }) => !isPublic);
const each = guarded.map((operation) => [operation.id, operation] as const);

const bearer = async (changes: Partial<AccessTokenClaims> = {}): Promise<Record<string, string>> => {
  const now = Math.floor(Date.now() / 1_000);
  const token = signAccessToken(api.deps.signingKeys, {
    iss: PUBLIC_URL,
    aud: PUBLIC_URL,
    sub: agent.agentId,
    client_id: agent.agentId,
    tenant_id: own.tenantId,
    credential_id: agent.credentialId,
    credential_generation: 0,
    scope: scopes.join(' '),
    jti: newId('evt'),
    iat: now,
    exp: now + 60,
    ...changes,
  });
  return { authorization: `Bearer ${token}` };
};

/** The token of an agent that both processes let through, until one of them ended the agent. */
const endAgent = async (method: string, action: string): Promise<Record<string, string>> => {
  const { agentId } = await registerAgent(api, own, [...scopes]);
  const headers = await bearer({ sub: agentId, client_id: agentId });
  for (const process of [api, second]) {
    expect((await call(process, `/agents/${agentId}`, { headers })).status).toBe(200);
  }
  expect((await own.send(method, `/agents/${agentId}${action}`)).status).toBeLessThan(300);
  return headers;
};

const expectUnauthorized = ({ status, body, headers }: Reply): void => {
  expect([status, body.code]).toEqual([401, 'unauthorized']);
  expect(headers.get('www-authenticate')).toMatch(/^Bearer /);
};

it('every operation is public by name, or asks for scopes', () => {
  const isPublic = operations.filter((operation) => operation.isPublic).map(({ id }) => id);
  expect(isPublic.sort()).toEqual(PUBLIC);
  for (const { id, scopes: needed } of guarded) {
    expect([
      id,
      needed.length > 0,
      needed.every((scope) => (scopes as readonly string[]).includes(scope)),
    ]).toEqual([id, true, true]);
  }
});

describe.each(each)('%s', (_id, operation: Operation) => {
  it('Nobody gets in without an identity', async () => {
    expectUnauthorized(await send(api, operation, { headers: {} }));
    expectUnauthorized(
      await send(api, operation, { headers: { cookie: 'sentryagent=none.none', origin: DASHBOARD_URL } }),
    );
  });

  it('Nobody gets in without an identity: an expired token', async () => {
    const past = Math.floor(Date.now() / 1_000) - 120;
    expectUnauthorized(await send(api, operation, { headers: await bearer({ iat: past, exp: past + 60 }) }));
  });

  it('Nobody gets in without an identity: a token for another audience or of another issuer', async () => {
    for (const changes of [
      { aud: 'https://elsewhere.example' },
      { aud: `${PUBLIC_URL}/` },
      { iss: `${PUBLIC_URL}/` },
    ]) {
      expectUnauthorized(await send(api, operation, { headers: await bearer(changes) }));
    }
  });

  it('A challenge names the scopes of its route (RFC 6750 section 3)', async () => {
    const needed = `scope="${operation.scopes.join(' ')}"`;
    const held = scopes.filter((scope) => scope !== operation.scopes[0]).join(' ');
    const replies = [
      await send(api, operation, { headers: {} }),
      await send(api, operation, { headers: { authorization: 'Bearer nothing' } }),
      await send(api, operation, { headers: await bearer({ scope: held }) }),
    ];
    expect(replies.map(({ status }) => status)).toEqual([401, 401, 403]);
    for (const { headers } of replies) {
      expect(headers.get('www-authenticate')!.split(needed)).toHaveLength(2);
    }
  });

  it('refuses the token of a suspended or decommissioned agent, in every process', async () => {
    for (const headers of ended) {
      for (const process of [api, second]) expectUnauthorized(await send(process, operation, { headers }));
    }
  });

  it('A missing scope is named', async () => {
    for (const left of operation.scopes) {
      const scope = scopes.filter((name) => name !== left).join(' ');
      const reply = await send(api, operation, { headers: await bearer({ scope }) });
      expect([reply.status, reply.body.code]).toEqual([403, 'forbidden']);
      expect(reply.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
      expect(reply.headers.get('www-authenticate')).toContain(left);
    }
  });

  it('lets a member of low role read, and change nothing', async () => {
    const member = await signUp(api);
    await api.sql(`update members set role = 'member' where tenant_id = $1`, [member.tenantId]);
    const headers = { cookie: member.cookie, origin: DASHBOARD_URL };
    const { status, body } = await send(api, operation, {
      headers,
      parameters: missing,
      body: BODIES[operation.id] ?? {},
    });
    const mayRead = operation.scopes.every((scope) => scope.endsWith(':read'));
    if (mayRead) expect([401, 403]).not.toContain(status);
    else expect([status, body.code]).toEqual([403, 'forbidden']);
  });
});

it('A challenge names the scopes of its route: introspection, where a Bearer token is sent', async () => {
  const ask = async (authorization: string) => {
    const body = new URLSearchParams({ token: 'x' });
    const reply = await call(api, '/oauth2/introspect', { method: 'POST', headers: { authorization }, body });
    return reply.headers.get('www-authenticate');
  };
  const { authorization = '' } = await bearer({ scope: 'agents:read' });
  expect(await ask('Bearer x')).toMatch(/^Bearer .*error="invalid_token", scope="tokens:read",/);
  expect(await ask(authorization)).toMatch(/^Bearer .*error="insufficient_scope", scope="tokens:read",/);
  expect(await ask('Basic x')).toMatch(/^Basic (?!.*scope=)/);
});

it('introspection, which takes a Bearer token too, refuses that of a suspended or decommissioned agent', async () => {
  const ask = async (process: TestApi, headers: Record<string, string>) => {
    const body = new URLSearchParams({ token: 'x' });
    return (await call(process, '/oauth2/introspect', { method: 'POST', headers, body })).body.error;
  };
  expect(await ask(api, await bearer())).toBeUndefined();
  for (const headers of ended) {
    for (const process of [api, second]) expect(await ask(process, headers)).toBe('invalid_token');
  }
});

/** Every row that belongs to another tenant, counts too. */
const foreignRows = async (): Promise<unknown[]> => {
  await api.deps.meter.flush();
  const tables = await api.sql(
    `select table_name as name from information_schema.columns
     where table_schema = 'public' and column_name = 'tenant_id'`,
  );
  const rows = tables.map(
    ({ name }) =>
      `select '${String(name)}' as name, t::text as row from ${String(name)} t where tenant_id <> $1`,
  );
  return api.sql(`${rows.join(' union all ')} order by 1, 2`, [own.tenantId]);
};

describe('A foreign id is answered like none: the same, byte for byte but for the request id', () => {
  const addressed = guarded.filter(({ parameters }) => parameters.length > 0);
  it.each(addressed.map((operation) => [operation.id, operation] as const))('%s', async (_id, operation) => {
    for (const name of operation.parameters) {
      expect([operation.id, name, foreign[name] !== undefined && missing[name] !== undefined]).toEqual([
        operation.id,
        name,
        true,
      ]);
    }
    const ask = async (parameters: Record<string, string>) => {
      const reply = await send(api, operation, {
        headers: await bearer(),
        parameters,
        body: BODIES[operation.id] ?? {},
      });
      const headers = Object.fromEntries(reply.headers);
      for (const name of ['date', 'x-request-id', 'ratelimit', 'ratelimit-policy', 'content-length'])
        delete headers[name];
      return { status: reply.status, headers, text: reply.text.replace(/req_[0-9a-z]{26}/, 'req') };
    };
    const before = await foreignRows();
    expect(before).not.toEqual([]);
    const [theirs, nowhere] = [await ask(foreign), await ask(missing)];
    expect(theirs.status).toBe(404);
    expect(theirs).toEqual(nowhere);
    expect(await foreignRows()).toEqual(before);
  });
});
