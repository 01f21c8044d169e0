import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { deleteExpired } from '../src/services/housekeeping/delete-expired.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { addKey, requestByAssertion, signAssertion } from './support/assertions.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';

let api: TestApi;
let members: TestMember[];
let agents: TestAgent[];
beforeAll(async () => {
  api = await startApi();
  members = [await signUp(api), await signUp(api)];
  agents = await Promise.all(members.map((member) => registerAgent(api, member)));
});
afterAll(() => api.close());

const TABLES = ['idempotency_keys', 'assertion_uses', 'sessions', 'verifications'];

/** That many rows of each table, of each tenant, which end so many minutes from now. */
const insertRows = async (count: number, inMinutes: number): Promise<void> => {
  for (const [i, { tenantId, userId }] of members.entries()) {
    const name = `${tenantId} ${inMinutes} `;
    const rows = `from generate_series(1, ${count}) n`;
    const end = `now() + interval '${inMinutes} minutes'`;
    await api.sql(
      `insert into idempotency_keys select '${tenantId}', 'member:usr', 'test', '${name}' || n, '\\x00', null, ${end}, ${end} ${rows};
       insert into assertion_uses select '${tenantId}', '${agents[i]!.credentialId}', '${name}' || n, 'evt', ${end},
         '${agents[i]!.agentId}' ${rows};
       insert into sessions (id, expires_at, token, updated_at, user_id)
         select '${name}' || n, ${end}, '${name}' || n, now(), '${userId}' ${rows};
       insert into verifications (id, identifier, value, expires_at)
         select '${name}' || n, 'test', 'test', ${end} ${rows}`,
    );
  }
};

/** How many rows of a table have ended. */
const ended = async (table: string): Promise<number> => {
  const [row] = await api.sql(`select count(*)::int as rows from ${table} where expires_at < now()`);
  return row!.rows as number;
};
const endedRows = () => Promise.all(TABLES.map(ended));

/** As the workflow does it. */
const keepHouse = async (max?: number): Promise<number> => {
  let total = 0;
  for (;;) {
    const { deleted, isMore } = await deleteExpired(api.deps.db, max);
    total += deleted;
    if (!isMore) return total;
  }
};

beforeEach(async () => {
  for (const table of TABLES) await api.sql(`delete from ${table} where expires_at < now()`);
});

it('Housekeeping deletes what has expired, of every tenant, ten minutes later', async () => {
  await insertRows(3, -11);
  await insertRows(2, -9);
  await insertRows(1, 1);
  expect(await endedRows()).toEqual([10, 10, 10, 10]);
  expect(await keepHouse()).toBe(24);
  expect(await endedRows()).toEqual([4, 4, 4, 4]);
  expect(await keepHouse()).toBe(0);
});

it('Housekeeping keeps what is still needed', async () => {
  const [member, agent] = [members[0]!, agents[0]!];
  const assertion = signAssertion(await addKey(member, agent.agentId), agent.agentId);
  expect((await requestByAssertion(api, assertion)).status).toBe(200);
  const create = () => member.send('POST', '/agents', { name: 'once' }, { 'idempotency-key': 'k1' });
  const made = await create();
  await insertRows(1, -11);
  expect(await keepHouse()).toBe(8);
  expect((await create()).text).toBe(made.text);
  expect((await requestByAssertion(api, assertion)).body.error).toBe('invalid_client');
  expect((await member.get('/auth/session')).status).toBe(200);
});

it('A long backlog is deleted in batches of 2,000 rows of a table', async () => {
  await insertRows(1_250, -11);
  expect(await deleteExpired(api.deps.db)).toEqual({ deleted: 8_000, isMore: true });
  expect(await endedRows()).toEqual([500, 500, 500, 500]);
  expect(await deleteExpired(api.deps.db)).toEqual({ deleted: 2_000, isMore: false });
});

it('Housekeeping twice at once deletes once, and a crash leaves the rows to the next', async () => {
  await insertRows(300, -11);
  const crash = api.deps.db.acrossTenants(async (trx) => {
    await trx.raw('select delete_expired(100)');
    throw new Error('crashed');
  });
  await expect(crash).rejects.toThrow('crashed');
  const totals = await Promise.all([keepHouse(50), keepHouse(50), keepHouse(50)]);
  expect(totals.reduce((sum, total) => sum + total)).toBe(2_400);
  expect(await endedRows()).toEqual([0, 0, 0, 0]);
});

it('Old Stripe events are deleted', async () => {
  await api.sql(
    `insert into stripe_events (id, type, created_at, settled_at, quarantined_because)
     select 'evt ' || age || ' ' || state, 'invoice.paid', now() - make_interval(days => age),
       case state when 'waits' then null else now() end,
       case state when 'put aside' then 'unknown_customer' end
     from unnest(array[59, 61]) age, unnest(array['delivered', 'put aside', 'waits']) state`,
  );
  expect(await keepHouse(1)).toBe(2);
  const left = await api.sql(`select id from stripe_events where id like 'evt %' order by id`);
  expect(left.map(({ id }) => id)).toEqual([
    'evt 59 delivered',
    'evt 59 put aside',
    'evt 59 waits',
    'evt 61 waits',
  ]);
});
