import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { SettledPart } from '@sentryagent/workflows/contracts';
import { epochDay } from '@sentryagent/workflows/rules/period';
import { until } from '../../dev/test/support/until.ts';
import { newId } from '../src/platform/ids.ts';
import { settleUsage } from '../src/services/usage/settle-usage.ts';
import { readSettlementDelay } from '../src/services/health/read-delays.ts';
import { parseConfig } from '../src/config.ts';
import { createDatabase } from '../src/platform/database.ts';
import { startApi, testEnvironment } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { NO_RATE, ledgerOf, sendCalls } from './support/metered.ts';
import { onOneDay } from './support/one-day.ts';
import { adminUrl, createTestDatabase, dropTestDatabase, redisUrl } from './support/servers.ts';

let api: TestApi;
let redis: Redis;
/** The first day on which there was a tenant: three days ago. */
let oldest: string;
let days: string[];
let member: TestMember;

beforeAll(async () => {
  api = await startApi({ env: NO_RATE });
  redis = new Redis(redisUrl(api.database));
});
afterAll(async () => {
  redis.disconnect();
  await api.close();
});

const begin = async (): Promise<void> => {
  await api.sql('delete from settled_days; delete from usage_events');
  const [row] = await api.sql(`select ((now() at time zone 'UTC')::date - 3)::text as day`);
  oldest = row!.day as string;
  days = [0, 1, 2].map((later) => dayAfter(oldest, later));
  member = await foundTenant();
};
/** The test, over days that no other test has settled. */
const anew = (work: () => Promise<void>): Promise<void> =>
  onOneDay(async () => {
    await begin();
    await work();
  });

const dayAfter = (day: string, later: number): string =>
  new Date(Date.parse(day) + later * 86_400_000).toISOString().slice(0, 10);

/** A tenant that exists since noon of the oldest day. */
const foundTenant = async (): Promise<TestMember> => {
  const created = await signUp(api);
  await api.sql('update tenants set created_at = $2 where id = $1', [created.tenantId, `${oldest}T12:00Z`]);
  return created;
};

/** An agent of the tenant, from and until these times. */
const addAgent = ({ tenantId, userId }: TestMember, from: string, until?: string) =>
  api.sql(
    `insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at, status, decommissioned_at)
     values ($1, $2, $2, '{}', $3, $4, $4, case when $5::text is null then 'active' else 'decommissioned' end, $5::timestamptz)`,
    [tenantId, newId('agt'), userId, from, until ?? null],
  );

const record = (
  tenantId: string,
  day: string,
  count: number,
  options: { source?: string; unshared?: boolean; metric?: string; agentId?: string } = {},
) =>
  api.sql('select record_usage($1)', [
    JSON.stringify([
      {
        tenant_id: tenantId,
        day,
        metric: options.metric ?? 'api_calls',
        agent_id: options.agentId,
        source: options.source ?? 'api_1',
        count,
        unshared: options.unshared ?? false,
      },
    ]),
  ]);

/** As the workflow does it. Returns the days in the order in which they were settled. */
const settleAll = async (): Promise<string[]> => {
  const settled: string[] = [];
  for (;;) {
    const { day, isSettled } = await settleUsage(api.deps);
    if (day === null) return settled;
    if (isSettled) settled.push(day);
  }
};

const rowsOf = ({ tenantId }: TestMember, metric = 'api_calls') =>
  api.sql(
    `select day::text, source, late, count::int, unshared from usage_events
     where tenant_id = $1 and metric = $2 order by day, source`,
    [tenantId, metric],
  );

const keyOf = ({ tenantId }: TestMember, day: string): string =>
  `usage:${tenantId}:${epochDay(new Date(day))}`;

const everything = () => api.sql('select * from usage_events order by tenant_id, day, metric, source');

describe('settling', () => {
  it('settles each day that has ended, the oldest first, and not today', () =>
    anew(async () => {
      expect(await settleAll()).toEqual(days);
      const rows = await api.sql(
        'select day::text from settled_days where settled_at is not null order by settled_at',
      );
      expect(rows.map(({ day }) => day)).toEqual(days);
    }));

  it('Settling a day twice changes nothing', () =>
    anew(async () => {
      await addAgent(member, `${oldest}T13:00Z`);
      await record(member.tenantId, days[1]!, 7);
      await settleAll();
      const before = await everything();
      expect(
        [await rowsOf(member), await rowsOf(member, 'active_agents')].map(({ length }) => length),
      ).toEqual([1, 3]);
      expect(await settleAll()).toEqual([]);
      // As if it had never been settled.
      await api.sql('delete from settled_days');
      expect(await settleAll()).toEqual(days);
      expect(await everything()).toEqual(before);
    }));

  it('Parallel runs settle each tenant once', () =>
    anew(async () => {
      const members = [member];
      while (members.length < 5) members.push(await foundTenant());
      for (const each of members) await addAgent(each, `${oldest}T13:00Z`);
      const parts = await Promise.all([1, 2, 3].map(() => settleUsage(api.deps)));
      expect(parts.map(({ day }) => day)).toContain(oldest);
      await settleAll();
      for (const each of members) {
        expect((await rowsOf(each, 'active_agents')).map(({ day, count }) => [day, count])).toEqual(
          days.map((day) => [day, 1]),
        );
      }
      // One that is late moves no mark back.
      await api.sql(`delete from settled_days; insert into settled_days values ('${oldest}', 'm')`);
      const [row] = await api.sql(`select settle_usage($1, '', 'a', false) as settled`, [oldest]);
      expect(row).toEqual({ settled: false });
      expect(await api.sql('select settled_to from settled_days')).toEqual([{ settled_to: 'm' }]);
    }));

  it('asks the clock of Postgres which days have ended', () =>
    anew(async () => {
      await api.sql('update tenants set created_at = now()');
      expect(await settleAll()).toEqual([]);
    }));
});

it('Tenants with too many agents settle in smaller pages', () =>
  anew(async () => {
    const slow = [await foundTenant(), await foundTenant(), await foundTenant()];
    for (const each of slow) await addAgent(each, `${oldest}T13:00Z`);
    const ids = slow.map(({ tenantId }) => `'${tenantId}'`).join();
    // The second one of a transaction is too slow for the time of a statement, which is 2 s.
    await api.sql(
      `create function count_slowly() returns trigger language plpgsql
       as $$ begin
         if current_setting('test.is_second', true) = 'yes' then perform pg_sleep(60); end if;
         perform set_config('test.is_second', 'yes', true);
         return new;
       end $$;
     create trigger count_slowly before insert on usage_events for each row
       when (new.tenant_id in (${ids})) execute function count_slowly()`,
    );
    onTestFinished(async () => void (await api.sql('drop function count_slowly() cascade')));
    const part = await settleUsage(api.deps);
    expect(part).toMatchObject({ day: oldest, isSettled: true });
    for (const each of slow) {
      expect(await rowsOf(each, 'active_agents')).toMatchObject([{ day: oldest, count: 1 }]);
    }
  }));

it('Calls by agent are closed in parts, while others count', () =>
  anew(async () => {
    const { tenantId } = member;
    await api.sql(
      `insert into agent_calls (tenant_id, day, agent_id, source, count)
     select $1, $2, 'agt_' || n / 4, 'api_' || n % 4, 5 from generate_series(0, 11999) n`,
      [tenantId, oldest],
    );
    // Settling holds the lock that every token and every count waits for.
    await api.sql(
      `create function close_apart() returns trigger language plpgsql as $$ begin
       if (select count(*) from closed) > 5000 or exists (
         select from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' and mode = 'ExclusiveLock'
       ) then raise exception 'too much at once'; end if;
       return null;
     end $$;
     create trigger close_apart after delete on agent_calls referencing old table as closed
       for each statement execute function close_apart()`,
    );
    onTestFinished(async () => void (await api.sql('drop function close_apart() cascade')));
    // A worker that was killed after the mark has left the rows open.
    await api.sql(`select settle_usage($1, '', $2, true)`, [oldest, tenantId]);
    await settleAll();
    const [closed] = await api.sql(
      `select count(*)::int as agents, sum(count)::int as calls, (select count(*)::int from agent_calls) as open
     from agent_usage where tenant_id = $1 and metric = 'api_calls'`,
      [tenantId],
    );
    expect(closed).toEqual({ agents: 3_000, calls: 60_000, open: 0 });
  }));

describe('active agents', () => {
  it('Active agents are settled as of midnight', () =>
    anew(async () => {
      const midnight = `${days[1]}T00:00:00Z`;
      for (const from of [`${oldest}T12:00Z`, `${oldest}T23:59:59.999Z`]) await addAgent(member, from);
      await addAgent(member, `${oldest}T12:00Z`, midnight);
      // Neither was active when the day ended.
      await addAgent(member, midnight);
      await addAgent(member, `${oldest}T12:00Z`, `${oldest}T23:59:59.999Z`);
      const history = async () => {
        const { body } = await member.get(`/billing/usage?from=${oldest}&to=${days[2]}`);
        return (body.data as { metrics: { active_agents: number } }[]).map(
          ({ metrics }) => metrics.active_agents,
        );
      };
      expect(await history()).toEqual([3, 3, 3]);
      await settleAll();
      expect(await history()).toEqual([3, 3, 3]);
      const counts = (await rowsOf(member, 'active_agents')).map(({ day, count }) => [day, count]);
      expect(counts).toEqual([
        [oldest, 3],
        [days[1], 3],
        [days[2], 3],
      ]);
    }));

  it('of a tenant without agents need no row', () =>
    anew(async () => {
      await settleAll();
      expect(await rowsOf(member, 'active_agents')).toEqual([]);
    }));
});

describe('counts of a settled day', () => {
  it('A late count becomes a late row', () =>
    anew(async () => {
      const { tenantId } = member;
      await record(tenantId, oldest, 5);
      await settleAll();
      await record(tenantId, oldest, 5);
      expect(await rowsOf(member)).toMatchObject([{ count: 5, late: false }]);
      for (const total of [7, 7, 6]) await record(tenantId, oldest, total);
      await record(tenantId, oldest, 2, { source: 'api_2' });
      const rows = [
        { source: 'api_1', count: 5, late: false },
        { source: 'api_1/late', count: 2, late: true },
        { source: 'api_2/late', count: 2, late: true },
      ];
      expect(await rowsOf(member)).toMatchObject(rows);
      // The flush exchanges the same totals with Redis, as often as it likes.
      for (let flushes = 0; flushes < 2; flushes++) {
        await redis.hset(keyOf(member, oldest), { seeded: 0, api_1: 7 });
        await redis.zadd('usage:changed', 1, `${tenantId}|${epochDay(new Date(oldest))}`);
        await api.deps.meter.flush();
      }
      expect(await rowsOf(member)).toMatchObject(rows);
      expect(await ledgerOf(api, tenantId)).toBe(9);
    }));

  it('are late for refused calls too: the part that is more', () =>
    anew(async () => {
      const refuse = (count: number) => record(member.tenantId, oldest, count, { metric: 'refused_rate' });
      await refuse(5);
      await settleAll();
      for (const total of [5, 7, 7]) await refuse(total);
      expect(await rowsOf(member, 'refused_rate')).toMatchObject([
        { source: 'api_1', count: 5, late: false },
        { source: 'api_1/late', count: 2, late: true },
      ]);
    }));

  it('by agent are closed only of the tenants that are settled', () =>
    anew(async () => {
      const ids = [member.tenantId, (await foundTenant()).tenantId].sort();
      for (const id of ids) await record(id, oldest, 5, { agentId: 'agt_1' });
      await api.sql(`select settle_usage($1, '', $2, false)`, [oldest, ids[0]]);
      await api.sql('select close_agent_calls(100)');
      const open = await api.sql('select tenant_id from agent_calls where tenant_id = any ($1)', [ids]);
      expect(open).toEqual([{ tenant_id: ids[1] }]);
    }));

  it('are late for tokens too', () =>
    anew(async () => {
      const agent = await registerAgent(api, member);
      await agent.token();
      const tokens = () => rowsOf(member, 'token_issuances');
      await api.sql(`insert into settled_days values ((now() at time zone 'UTC')::date, '', now())`);
      await agent.token();
      await agent.token();
      expect(await tokens()).toMatchObject([
        { late: false, count: 1 },
        { late: true, count: 2 },
      ]);
    }));

  it('are shared with nobody: Redis does not need them any more', () =>
    anew(async () => {
      const { tenantId } = member;
      await record(tenantId, oldest, 5, { unshared: true });
      await settleAll();
      await record(tenantId, oldest, 7, { unshared: true });
      expect((await rowsOf(member)).map(({ unshared }) => unshared)).toEqual([false, false]);
    }));

  it('A writer that is under way is waited for, and its count is not late', () =>
    anew(async () => {
      const client = new pg.Client(adminUrl(api.database));
      await client.connect();
      await client.query('begin');
      await client.query('select record_usage($1)', [
        JSON.stringify([
          { tenant_id: member.tenantId, day: oldest, metric: 'api_calls', source: 'api_1', count: 3 },
        ]),
      ]);
      // It waits for a second. As Temporal does it, it is repeated until this test has gone on.
      const settle = (): Promise<SettledPart> =>
        settleUsage(api.deps).catch((error: { code?: string }) => {
          if (error.code === '55P03') return settle();
          throw error;
        });
      const settled = settle();
      await until('the settling waits', async () => {
        const waiting = await api.sql(
          `select from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())`,
        );
        return waiting.length === 1;
      });
      await client.query('commit');
      await client.end();
      expect((await settled).day).toBe(oldest);
      await record(member.tenantId, oldest, 4);
      expect(await rowsOf(member)).toMatchObject([
        { count: 3, late: false },
        { count: 1, late: true },
      ]);
    }));
});

describe('Redis', () => {
  it('A count that only Redis has is settled in time, and Redis forgets the day', () =>
    anew(async () => {
      await record(member.tenantId, oldest, 5);
      await redis.hset(keyOf(member, oldest), { seeded: 0, api_1: 8, api_2: 1, api_3: 'canary' });
      await redis.hset(keyOf(member, days[1]!), { seeded: 0, api_1: 2 });
      await settleAll();
      expect(await rowsOf(member)).toMatchObject([
        { day: oldest, source: 'api_1', count: 8, late: false },
        { day: oldest, source: 'api_2', count: 1, late: false },
        { day: days[1], source: 'api_1', count: 2, late: false },
      ]);
      for (const day of days.slice(0, 2)) {
        const ttl = await redis.ttl(keyOf(member, day));
        expect(ttl).toBeGreaterThan(0);
        expect(ttl).toBeLessThanOrEqual(3_600);
      }
    }));

  it('keeps today, and counts on', () =>
    anew(async () => {
      const token = await (await registerAgent(api, member)).token();
      expect(await sendCalls([api], token, 3, 1)).toBe(3);
      await settleAll();
      const today = dayAfter(oldest, 3);
      expect(await redis.ttl(keyOf(member, today))).toBeGreaterThan(86_400);
      expect(await sendCalls([api], token, 2, 1)).toBe(2);
      await api.deps.meter.flush();
      expect(await ledgerOf(api, member.tenantId)).toBe(5);
    }));

  it('that is away fails the settling, and nothing is settled', () =>
    anew(async () => {
      const away = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: null });
      away.on('error', () => {});
      const broken = { ...api.deps, redis: Object.assign(away, { REDIS_TIMEOUT_MS: 100 }) };
      await expect(settleUsage(broken)).rejects.toMatchObject({ code: 'redis_unavailable' });
      expect(await api.sql('select * from settled_days')).toEqual([]);
      expect((await settleUsage({ ...api.deps, redis: undefined })).day).toBe(oldest);
    }));
});

it('Without tenants, there is no day to settle', () =>
  anew(async () => {
    const database = await createTestDatabase();
    const db = createDatabase(parseConfig(testEnvironment(database)));
    expect(await readSettlementDelay(db)).toBe(0);
    expect(await settleUsage({ db, redis: undefined, logger: api.deps.logger })).toMatchObject({ day: null });
    await db.close();
    await dropTestDatabase(database);
  }));
