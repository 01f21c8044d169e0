import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createLogger } from '@sentryagent/api/platform/logger';
import { names } from '@sentryagent/workflows/contracts';
import type { BatchActivities, DailyQuotaResetInput, SettledPart } from '@sentryagent/workflows/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adminUrl,
  appUrl,
  createTestDatabase,
  dropTestDatabase,
  query,
  redisUrl,
} from '../../api/test/support/servers.ts';
import { createBatchActivities } from '../src/activities.ts';
import { parseConfig } from '../src/config.ts';
import { closeDeps, createDeps } from '../src/deps.ts';
import { startEnvironment, withWorker } from './support/environment.ts';

const DAY_MS = 86_400_000;
const FIVE_MINUTES_MS = 300_000;

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startEnvironment();
});
afterAll(() => environment.teardown());

interface Run {
  result: string;
  details: string | undefined;
}

const run = (settleUsage: BatchActivities['settleUsage'], input: DailyQuotaResetInput = {}): Promise<Run> =>
  withWorker(environment, { settleUsage } as BatchActivities, async () => {
    const handle = await environment.client.workflow.start<(input: DailyQuotaResetInput) => Promise<string>>(
      names.dailyQuotaReset,
      {
        workflowId: `daily-quota-reset-${randomUUID()}`,
        taskQueue: 'billing',
        args: [input],
      },
    );
    const result = await handle.result();
    const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    return { result, details: metadata.currentDetails };
  });

const nothing: SettledPart = { day: null, tenants: 0, isSettled: false };

describe('the run', () => {
  it('waits until five minutes after midnight, and not later in the day', async () => {
    const calledAt = async (): Promise<number> => {
      let at = 0;
      await run(async () => {
        at = await environment.currentTimeMs();
        return nothing;
      });
      return at % DAY_MS;
    };
    const untilMidnight = DAY_MS - ((await environment.currentTimeMs()) % DAY_MS);
    await environment.sleep(untilMidnight);
    expect(await calledAt()).toBeGreaterThanOrEqual(FIVE_MINUTES_MS);
    const before = (await environment.currentTimeMs()) % DAY_MS;
    expect((await calledAt()) - before).toBeLessThan(FIVE_MINUTES_MS);
  });

  it('goes on part by part, day by day, and says in words how far it is', async () => {
    const parts: SettledPart[] = [
      { day: '2026-11-26', tenants: 10_000, isSettled: false },
      { day: '2026-11-26', tenants: 17, isSettled: true },
      { day: '2026-11-27', tenants: 10_000, isSettled: true },
      nothing,
    ];
    expect(await run(async () => parts.shift()!)).toEqual({
      result: '2 days settled, up to 2026-11-27.',
      details: '2 days settled, up to 2026-11-27.',
    });
    expect(parts).toEqual([]);
  });

  it('goes on with what the run before has settled', async () => {
    const parts: SettledPart[] = [{ day: '2026-11-28', tenants: 5, isSettled: true }, nothing];
    const { result } = await run(async () => parts.shift()!, {
      days: 2,
      last: '2026-11-27',
      tenants: 10_000,
    });
    expect(result).toBe('3 days settled, up to 2026-11-28.');
    expect((await run(async () => nothing)).result).toBe('No day was left to settle.');
  });
});

describe('over a database and Redis', () => {
  let database: string;
  let deps: Awaited<ReturnType<typeof createDeps>>;
  let days: string[];
  beforeAll(async () => {
    database = await createTestDatabase();
    const config = parseConfig({
      APP_DATABASE_URL: appUrl(database),
      REDIS_URL: redisUrl(database),
      STRIPE_SECRET_KEY: 'sk_test_settling',
      KEY_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
      DB_POOL_MIN: '0',
    });
    deps = await createDeps(config, 'http://127.0.0.1:9', createLogger('silent'));
    if (deps.redis!.status !== 'ready') await once(deps.redis!, 'ready');
    const rows = await sql(
      `select d::date::text as day from generate_series(
         (now() at time zone 'UTC')::date - 3, (now() at time zone 'UTC')::date - 1, interval '1 day') as d`,
    );
    days = rows.map(({ day }) => day as string);
  });
  afterAll(async () => {
    await closeDeps(deps);
    await dropTestDatabase(database);
  });

  const sql = async (text: string) =>
    (await query(adminUrl(database), text)).rows as Record<string, unknown>[];

  /** More than a page of tenants, each with an agent from its first day on, and a second one from the next. */
  const foundTenants = (count: number) => {
    const each = `from generate_series(1, ${count}) n, lateral (select 'ten_' || to_char(n, 'FM0000') as id) t`;
    return sql(
      `insert into tenants (id, name, slug, created_at) select id, id, id, '${days[0]}T12:00Z' ${each};
       insert into users (id, name, email, email_verified) select id, id, id || '@example.com', true ${each};
       insert into members (id, tenant_id, user_id, role, created_at) select id, id, id, 'owner', now() ${each};
       insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
         select id, id, 'first', '{}', id, '${days[0]}T13:00Z', now() ${each};
       insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
         select id, id || '_2', 'second', '{}', id, '${days[1]}T00:00Z', now() ${each};
       insert into usage_events (tenant_id, day, metric, source, count)
         select id, '${days[1]}', 'api_calls', 'api_1', 40 ${each}`,
    );
  };

  const all = () => sql('select * from usage_events order by tenant_id, day, metric, source');

  const settle = () => run(createBatchActivities(deps).settleUsage);

  it('Three missed midnights are settled in order', async () => {
    await foundTenants(1_100);
    const key = `usage:ten_0900:${Math.floor(Date.parse(days[2]!) / DAY_MS)}`;
    await deps.redis!.hset(key, { seeded: 0, api_9: 12 });

    expect((await settle()).result).toBe(`3 days settled, up to ${days[2]}.`);

    const settled = await sql('select day::text, settled_at from settled_days order by settled_at');
    expect(settled.map(({ day }) => day)).toEqual(days);
    const agents = await sql(
      `select day::text, count::int, count(*)::int as tenants from usage_events
       where metric = 'active_agents' group by 1, 2 order by 1`,
    );
    expect(agents).toEqual([
      { day: days[0], count: 1, tenants: 1_100 },
      { day: days[1], count: 2, tenants: 1_100 },
      { day: days[2], count: 2, tenants: 1_100 },
    ]);
    expect(await sql(`select day::text, count::int, late from usage_events where source = 'api_9'`)).toEqual([
      { day: days[2], count: 12, late: false },
    ]);
    expect(await deps.redis!.ttl(key)).toBeGreaterThan(0);
  }, 120_000);

  it('Settling a day twice changes nothing: another run finds nothing to do', async () => {
    const before = await all();
    expect((await settle()).result).toBe('No day was left to settle.');
    expect(await all()).toEqual(before);
  });
});
