import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newClientSecret } from '../src/platform/client-secret.ts';
import { newId } from '../src/platform/ids.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import {
  ASSERTION_TYPE,
  addKey,
  newKeyPair,
  requestByAssertion,
  signAssertion,
} from './support/assertions.ts';
import type { KeyPair } from './support/assertions.ts';
import { basic, call, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { Json, Reply, TestAgent, TestMember } from './support/callers.ts';
import { adminUrl, appUrl, createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { tapStatements } from './support/statements.ts';
import type { Tap } from './support/statements.ts';
import { until } from '../../dev/test/support/until.ts';

let tap: Tap;
let api: TestApi;
/** A second process of the same deployment. */
let second: TestApi;
let member: TestMember;
let ahead = 0;
/** Set while nothing may get old, however busy the machine. */
let heldAt: number | undefined;
const clock = (): Date => new Date((heldAt ?? Date.now()) + ahead);

beforeAll(async () => {
  const database = await createTestDatabase();
  tap = await tapStatements(appUrl(database));
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  api = await startApi({ env: { ...env, APP_DATABASE_URL: tap.url }, database, clock });
  second = await startApi({ env, database, clock });
  member = await signUp(api);
});
afterAll(async () => {
  await second.close();
  await api.close();
  await tap.close();
  await dropTestDatabase(api.database);
});

const flush = () => Promise.all([api, second].map(({ deps }) => deps.refusedClients.flush()));

/** What the log tells of the agent's refusals, all of it. */
const refusalsOf = async ({ agentId }: Pick<TestAgent, 'agentId'>): Promise<Json[]> => {
  await flush();
  return api.sql(
    `select * from audit_events where agent_id = $1 and action = 'auth.failed' order by sequence`,
    [agentId],
  );
};

const form = { grant_type: 'client_credentials' };
const trySecret = (agentId: string, secret: string, process: TestApi = api): Promise<Reply> =>
  requestToken(process, basic(agentId, secret), form);
const wrongSecret = (): string => newClientSecret(newId('crd'));

it('A refused act is recorded', async () => {
  const agent = await registerAgent(api, member);
  const first = await trySecret(agent.agentId, wrongSecret());
  for (let i = 0; i < 2; i++) expect((await trySecret(agent.agentId, 'sa_nonsense')).status).toBe(401);
  const [entry, ...more] = await refusalsOf(agent);
  expect(more).toEqual([]);
  expect(entry).toMatchObject({
    tenant_id: member.tenantId,
    actor_kind: 'agent',
    actor_id: agent.agentId,
    outcome: 'failure',
    ip: expect.stringMatching(/^10\./),
    request_id: first.headers.get('x-request-id'),
    metadata: { reason: 'wrong_secret' },
  });
  const before = Number(entry!.sequence) - 1;
  const links = await api.sql('select hash from audit_events where tenant_id = $1 and sequence = $2', [
    member.tenantId,
    before,
  ]);
  expect(links).toEqual([{ hash: entry!.previous_hash }]);

  ahead += 50_000;
  await trySecret(agent.agentId, wrongSecret());
  expect(await refusalsOf(agent)).toHaveLength(1);
  ahead += 11_000;
  await trySecret(agent.agentId, wrongSecret());
  expect(await refusalsOf(agent)).toHaveLength(2);
});

/** An honest assertion by the clock of the API, with what is changed about it. */
const sign = (key: KeyPair, agentId: string, changes: Json = {}): string =>
  signAssertion(key, agentId, { claims: { exp: Math.floor(clock().getTime() / 1_000) + 60, ...changes } });

const past = `now() - interval '1 day'`;
const endCredential = (column: 'expires_at' | 'revoked_at', credentialId: string) =>
  api.sql(`update credentials set ${column} = ${past} where id = $1`, [credentialId]);
const end = (agent: TestAgent, how: 'suspend' | 'decommission') =>
  how === 'suspend'
    ? member.send('POST', `/agents/${agent.agentId}/suspend`)
    : member.send('DELETE', `/agents/${agent.agentId}`);
const trySigned = async (agent: TestAgent, change: (credentialId: string) => Promise<unknown>) => {
  const key = await addKey(member, agent.agentId);
  await change(key.credentialId);
  return requestByAssertion(api, sign(key, agent.agentId));
};

describe('The entry of a refusal says why', () => {
  it.each<[reason: string, what: string, refuse: (agent: TestAgent) => Promise<Reply>]>([
    ['wrong_secret', 'of nobody', ({ agentId }) => trySecret(agentId, wrongSecret())],
    ['wrong_secret', 'that is none', ({ agentId }) => trySecret(agentId, 'x')],
    [
      'wrong_secret',
      'that was rotated away',
      async (agent) => {
        await member.send('POST', `/agents/${agent.agentId}/credentials/${agent.credentialId}/rotate`, {});
        return agent.requestToken();
      },
    ],
    [
      'not_live',
      'that was rotated away a moment ago',
      async (agent) => {
        heldAt = Date.now();
        await agent.token();
        await member.send('POST', `/agents/${agent.agentId}/credentials/${agent.credentialId}/rotate`, {});
        return agent.requestToken().finally(() => (heldAt = undefined));
      },
    ],
    [
      'expired',
      'a secret',
      async (agent) => {
        await endCredential('expires_at', agent.credentialId);
        return agent.requestToken();
      },
    ],
    [
      'revoked',
      'a secret',
      async (agent) => {
        await endCredential('revoked_at', agent.credentialId);
        return agent.requestToken();
      },
    ],
    [
      'revoked',
      'a secret that this process has just let through',
      async (agent) => {
        await agent.token();
        await endCredential('revoked_at', agent.credentialId);
        return agent.requestToken();
      },
    ],
    [
      'suspended',
      'a secret',
      async (agent) => {
        await end(agent, 'suspend');
        return agent.requestToken();
      },
    ],
    [
      'suspended',
      'a secret that this process has just let through',
      async (agent) => {
        await agent.token();
        await end(agent, 'suspend');
        return agent.requestToken();
      },
    ],
    [
      'decommissioned',
      'a secret',
      async (agent) => {
        await end(agent, 'decommission');
        return agent.requestToken();
      },
    ],
    [
      'wrong_signature',
      'by a key of nobody',
      ({ agentId }) => requestByAssertion(api, sign(newKeyPair(), agentId)),
    ],
    ['expired', 'a key', (agent) => trySigned(agent, (id) => endCredential('expires_at', id))],
    ['revoked', 'a key', (agent) => trySigned(agent, (id) => endCredential('revoked_at', id))],
    ['suspended', 'a key', (agent) => trySigned(agent, () => end(agent, 'suspend'))],
    [
      'wrong_assertion',
      'for another audience',
      async ({ agentId }) => {
        const key = await addKey(member, agentId);
        return requestByAssertion(api, sign(key, agentId, { aud: 'https://x.example' }));
      },
    ],
    [
      'replayed',
      'for a second token',
      async ({ agentId }) => {
        const assertion = sign(await addKey(member, agentId), agentId);
        expect((await requestByAssertion(api, assertion)).status).toBe(200);
        return requestByAssertion(api, assertion);
      },
    ],
  ])('%s: %s', async (reason, _what, refuse) => {
    const agent = await registerAgent(api, member);
    const reply = await refuse(agent);
    expect([reply.status, reply.body.error]).toEqual([401, 'invalid_client']);
    expect((await refusalsOf(agent)).map(({ metadata }) => (metadata as Json).reason)).toEqual([reason]);
  });

  it.each(['/oauth2/introspect', '/oauth2/revoke'])('at %s', async (path) => {
    const agent = await registerAgent(api, member);
    const key = await addKey(member, agent.agentId);
    const authorization = basic(agent.agentId, wrongSecret());
    const body = new URLSearchParams({ token: 'x' });
    await call(api, path, { method: 'POST', headers: { authorization }, body });
    const assertion = sign(key, agent.agentId);
    const signed = { token: 'x', client_assertion_type: ASSERTION_TYPE, client_assertion: assertion };
    const statuses: number[] = [];
    for (let i = 0; i < 2; i++) {
      const reply = await call(api, path, { method: 'POST', body: new URLSearchParams(signed) });
      statuses.push(reply.status);
    }
    expect(statuses).toEqual([200, 401]);
    expect((await refusalsOf(agent)).map(({ metadata }) => metadata)).toEqual([
      { reason: 'wrong_secret' },
      { reason: 'replayed', credentialId: key.credentialId },
    ]);
  });

  it('and tells of no subject token', async () => {
    const [agent, other] = [await registerAgent(api, member), await registerAgent(api, member)];
    const token = await other.token();
    await end(other, 'suspend');
    const reply = await agent.requestToken({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    expect(reply.status).toBe(400);
    expect([await refusalsOf(agent), await refusalsOf(other)]).toEqual([[], []]);
  });
});

it('Processes share one entry of a refusal', async () => {
  const agent = await registerAgent(api, member);
  const refuseAtBoth = () =>
    Promise.all([api, second].map((process) => trySecret(agent.agentId, wrongSecret(), process)));
  await refuseAtBoth();
  expect(await refusalsOf(agent)).toHaveLength(1);
  ahead += 61_000;
  await refuseAtBoth();
  expect(await refusalsOf(agent)).toHaveLength(2);
});

it('No refusal waits for its entry', async () => {
  const busy = await signUp(api);
  const [blocked, open] = [await registerAgent(api, busy), await registerAgent(api, member)];
  const holder = new pg.Client(adminUrl(api.database));
  await holder.connect();
  await holder.query('begin');
  await holder.query('select 1 from audit_heads where tenant_id = $1 for update', [busy.tenantId]);
  const statuses: number[] = [];
  let rounds = 0;
  // Once a second what is noted is written: that may fall between, but not each time.
  await until('no answer waits for what is written', async () => {
    rounds += 1;
    ahead += 61_000;
    tap.takeTransactions();
    for (const { agentId } of [blocked, open])
      statuses.push((await trySecret(agentId, wrongSecret())).status);
    const sent = tap.takeTransactions().flat();
    return !sent.some((sql) => sql.includes('find_refused_clients'));
  });
  expect(new Set(statuses)).toEqual(new Set([401]));
  expect(await refusalsOf(open)).toHaveLength(rounds);
  await holder.query('rollback');
  await holder.end();
  expect(await refusalsOf(blocked)).toHaveLength(1);
});

it('An unknown client leaves no entry', async () => {
  await flush();
  const count = () => api.sql('select count(*) from audit_events');
  const [before, lines] = [await count(), api.logs.length];
  const [unknown, misplaced] = [newId('agt'), wrongSecret()];
  const replies = [
    await trySecret(unknown, wrongSecret()),
    await trySecret(misplaced, unknown),
    await trySecret('agt_\u0000', 'x'),
  ];
  expect(replies.map(({ status }) => status)).toEqual([401, 401, 401]);
  await flush();
  expect(await count()).toEqual(before);
  const told = api.logs.slice(lines).filter(({ msg }) => msg === 'unknown clients were refused');
  expect(told.flatMap(({ clients }) => clients)).toEqual([
    {
      clientId: unknown,
      reason: 'wrong_secret',
      ip: expect.any(String),
      requestId: replies[0]!.headers.get('x-request-id'),
    },
    expect.objectContaining({ clientId: misplaced.slice(0, 8) }),
    expect.objectContaining({ clientId: 'agt_\u0000' }),
  ]);
});

describe('A flood of refusals leaves the database alone', () => {
  it('of one client and of made-up ones', async () => {
    const agent = await registerAgent(api, member);
    await flush();
    tap.takeTransactions();
    const started = performance.now();
    await Promise.all(
      Array.from({ length: 400 }, (_, i) => trySecret(i % 2 ? agent.agentId : newId('agt'), 'sa_nonsense')),
    );
    expect(await refusalsOf(agent)).toHaveLength(1);
    const seconds = Math.ceil((performance.now() - started) / 1_000);
    const transactions = tap.takeTransactions();
    const having = (text: string) =>
      transactions.filter((statements) => statements.some((sql) => sql.includes(text)));
    expect(having('find_refused_clients').length).toBeLessThanOrEqual(seconds + 1);
    expect(having('auth_failures')).toHaveLength(1);
    expect(having('find_client')).toEqual([]);
  });

  it('and memory: what is too much is counted', async () => {
    await flush();
    const lines = api.logs.length;
    const origin = { requestId: newId('req'), ip: '192.0.2.1', userAgent: null };
    for (let i = 0; i < 1_500; i++) {
      const refusal = {
        clientId: newId('agt'),
        reason: 'wrong_secret' as const,
        credentialId: undefined,
        origin,
      };
      api.deps.refusedClients.note(refusal);
    }
    await flush();
    expect(api.logs.slice(lines)).toEqual([
      expect.objectContaining({ msg: 'too many clients were refused to report each one', count: 500 }),
      expect.objectContaining({ msg: 'unknown clients were refused', count: 1_000 }),
    ]);
  });
});

it('refusals of many clients of one tenant all become entries, in one dense chain', async () => {
  const other = await signUp(api);
  const ids: string[] = [];
  for (let n = 0; n < 110; n++)
    ids.push((await other.post('/agents', { name: `n${n}` })).body.agentId as string);
  await Promise.all(ids.map((id) => trySecret(id, 'sa_nonsense')));
  await flush();
  const log = await api.sql(
    `select sequence, agent_id, hash, previous_hash from audit_events
     where tenant_id = $1 and action = 'auth.failed' order by sequence`,
    [other.tenantId],
  );
  expect(new Set(log.map(({ agent_id: id }) => id))).toEqual(new Set(ids));
  for (const [at, { sequence, previous_hash: link }] of log.entries()) {
    if (at === 0) continue;
    expect(Number(sequence)).toBe(Number(log[at - 1]!.sequence) + 1);
    expect(link).toEqual(log[at - 1]!.hash);
  }
});
