import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../src/platform/database.ts';
import { registerAgent } from '../src/services/agents/register-agent.ts';
import { setAgentStatus } from '../src/services/agents/set-agent-status.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';
import type { Json, TestMember } from './support/callers.ts';
import { until } from '../../dev/test/support/until.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
});
afterAll(() => api.close());

const register = async (member: TestMember, count: number): Promise<string[]> => {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    ids.push((await member.post('/agents', { name: `agent ${n}` })).body.agentId as string);
  }
  return ids;
};
const activeAgents = async (member: TestMember): Promise<unknown> => {
  const { metrics } = (await member.get('/billing/usage')).body as { metrics: Record<string, Json> };
  return metrics.active_agents!.today;
};

it('A suspended agent keeps its place under the limit, a decommissioned one frees it', async () => {
  const member = await signUp(api);
  const [first, second] = await register(member, 10);
  const oneMore = async () => (await member.post('/agents', { name: 'one more' })).status;
  await member.post(`/agents/${first}/suspend`, {});
  expect(await oneMore()).toBe(429);
  expect(await activeAgents(member)).toBe(10);
  await member.send('DELETE', `/agents/${second}`);
  expect(await oneMore()).toBe(201);
  expect(await oneMore()).toBe(429);
});

const principalOf = ({ tenantId, userId }: TestMember) =>
  ({ tenantId, kind: 'member', id: userId, scopes: ['agents:read', 'agents:write'] }) as const;
const origin = { requestId: 'req_1', ip: '192.0.2.1', userAgent: null };

/** Does one act, and the other while the first has done all but its commit. Answers how both ended. */
const overlapping = async (
  first: (deps: TestApi['deps']) => Promise<unknown>,
  second: (deps: TestApi['deps']) => Promise<unknown>,
): Promise<unknown[]> => {
  const done = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { db } = api.deps;
  const slow: Database = {
    ...db,
    withTenant: (tenantId, work) =>
      db.withTenant(tenantId, async (trx) => {
        const result = await work(trx);
        done.resolve();
        await release.promise;
        return result;
      }),
  };
  const endOf = (act: Promise<unknown>) => act.catch((error: unknown) => error);
  const one = endOf(first({ ...api.deps, db: slow }));
  await done.promise;
  const other = endOf(second(api.deps));
  const waiting = () =>
    api.sql(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
  await until('one waits for the other', async () => (await waiting()).length === 1);
  release.resolve();
  return Promise.all([one, other]);
};

it('An agent that is not committed yet has its place already', async () => {
  const member = await signUp(api);
  await register(member, 9);
  const make = (name: string) => (deps: TestApi['deps']) =>
    registerAgent(deps, principalOf(member), { name }, origin);
  const [tenth, eleventh] = await overlapping(make('tenth'), make('eleventh'));
  expect(tenth).toMatchObject({ agent: { name: 'tenth' } });
  expect(eleventh).toMatchObject({ code: 'free_tier_limit' });
});

it('An entry that is not committed yet has its number already', async () => {
  const member = await signUp(api);
  const ids = await register(member, 2);
  const suspend = (agentId: string) => (deps: TestApi['deps']) =>
    setAgentStatus(deps, principalOf(member), { agentId, status: 'suspended' }, origin);
  const [one, other] = await overlapping(suspend(ids[0]!), suspend(ids[1]!));
  expect([one, other]).toMatchObject([
    { agent: { status: 'suspended' } },
    { agent: { status: 'suspended' } },
  ]);
  const log = await api.sql(
    'select sequence, agent_id, previous_hash, hash from audit_events where tenant_id = $1 order by sequence',
    [member.tenantId],
  );
  expect(log.slice(-2).map(({ agent_id: id }) => id)).toEqual(ids);
  expect(log.map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3, 4]);
  for (const [index, { hash }] of log.slice(0, -1).entries()) {
    expect(log[index + 1]!.previous_hash).toEqual(hash);
  }
});
