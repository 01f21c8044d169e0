import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { BATCH_QUEUE, names } from '@sentryagent/workflows/contracts';
import { expect, it } from 'vitest';
import { writeProof } from '../../api/test/support/proof-report.ts';
import { startRedisServer } from '../../api/test/support/redis-server.ts';
import type { RedisServer } from '../../api/test/support/redis-server.ts';
import {
  adminUrl,
  appUrl,
  createTestDatabase,
  dropTestDatabase,
  query,
} from '../../api/test/support/servers.ts';
import { startTemporalServer } from '../../api/test/support/temporal-server.ts';
import { required } from '../../dev/test/support/required.ts';
import { until } from '../../dev/test/support/until.ts';
import { startWorkerProcess } from './support/worker-process.ts';

const DAYS = 3;
const MEGABYTE = 1_024 * 1_024;
/** The advisory lock that writers of counts share with the settling. */
const SETTLING = 7_231_957;

interface Measured {
  tenants: number;
  seconds: number;
  /** Of a tenant on a day. */
  microseconds: number;
  /** The most memory of the worker's process, and when it did the same again. */
  megabytes: [first: number, again: number];
}

/** Tenants with three agents each, which have called on each of the days, and whose counts are in Redis too. */
const seed = async (database: string, redis: RedisServer, tenants: number): Promise<void> => {
  const each = `from generate_series(1, ${tenants}) n, lateral (select 'ten_' || to_char(n, 'FM000000') as id) t`;
  const day = `(now() at time zone 'UTC')::date`;
  await query(
    adminUrl(database),
    `insert into tenants (id, name, slug, created_at) select id, id, id, ${day} - ${DAYS} ${each};
     insert into users (id, name, email, email_verified) select id, id, id || '@example.com', true ${each};
     insert into members (id, tenant_id, user_id, role, created_at) select id, id, id, 'owner', now() ${each};
     insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
       select id, id || '_' || a, 'agent ' || a, '{}', id, ${day} - ${DAYS}, now() ${each}, generate_series(1, 3) a;
     insert into usage_events (tenant_id, day, metric, source, count)
       select id, ${day} - d, 'api_calls', 'api_1', 40 ${each}, generate_series(1, ${DAYS}) d;
     analyze`,
  );
  const today = Math.floor(Date.now() / 86_400_000);
  await redis.call(
    'EVAL',
    `for n = 1, ${tenants} do
       for d = 1, ${DAYS} do
         local key = string.format('usage:ten_%06d:%d', n, ${today} - d)
         redis.call('HSET', key, 'seeded', 0, 'api_1', 40)
         redis.call('EXPIRE', key, 259200)
       end
     end`,
    '0',
  );
};

const yesterday = (): string => new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);

const memoryOf = (pid: number): number =>
  (Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1_024) / MEGABYTE;

/** Runs the workflow. Returns the milliseconds that it took, and the most memory of the process meanwhile. */
const settle = async (
  { client }: TestWorkflowEnvironment,
  pid: number,
): Promise<[ms: number, mb: number]> => {
  let most = 0;
  const sampler = setInterval(() => (most = Math.max(most, memoryOf(pid))), 100);
  const started = performance.now();
  const result = await client.workflow.execute<() => Promise<string>>(names.dailyQuotaReset, {
    workflowId: `daily-quota-reset-${randomUUID()}`,
    taskQueue: BATCH_QUEUE,
  });
  clearInterval(sampler);
  expect(result).toContain(`${DAYS} days settled`);
  return [performance.now() - started, most];
};

const startWorker = (database: string, redis: RedisServer, address: string) =>
  startWorkerProcess({
    APP_DATABASE_URL: appUrl(database),
    REDIS_URL: redis.url,
    TEMPORAL_ADDRESS: address,
    WORKFLOW_BUNDLE: required('TEST_WORKFLOW_BUNDLE'),
    LOG_LEVEL: 'warn',
  });

const settledAgents = async (database: string): Promise<unknown> =>
  (
    await query(
      adminUrl(database),
      `select count(*)::int as rows, sum(count)::int as agents from usage_events where metric = 'active_agents'`,
    )
  ).rows[0];

const measure = async (temporalUrl: string, tenants: number): Promise<Measured> => {
  const [database, redis] = [await createTestDatabase(), await startRedisServer()];
  await seed(database, redis, tenants);
  const address = new URL(temporalUrl).host;
  const worker = await startWorker(database, redis, address);
  const environment = await TestWorkflowEnvironment.createFromExistingServer({ address });
  const [ms, first] = await settle(environment, worker.pid);
  expect(await settledAgents(database)).toEqual({ rows: tenants * DAYS, agents: tenants * DAYS * 3 });
  await query(
    adminUrl(database),
    `delete from settled_days; delete from usage_events where metric = 'active_agents'`,
  );
  const [, again] = await settle(environment, worker.pid);
  await worker.end('SIGTERM');
  await environment.teardown();
  await redis.close();
  await dropTestDatabase(database);
  return {
    tenants,
    seconds: ms / 1_000,
    microseconds: (ms * 1_000) / (tenants * DAYS),
    megabytes: [first, again],
  };
};

const isSettling = async (database: string): Promise<boolean> =>
  (
    await query(
      adminUrl(database),
      `select 1 from pg_stat_activity
       where datname = current_database() and wait_event = 'advisory' and query like '%settle_usage%'`,
    )
  ).rowCount! > 0;

it(
  'A worker killed in the middle of a page settles right afterwards, in runs that continue as new',
  { timeout: 300_000 },
  async () => {
    const TENANTS = 1_200;
    // Each day is an activity, which takes three events or more.
    const temporal = await startTemporalServer([
      '--dynamic-config-value',
      'limit.historyCount.suggestContinueAsNew=5',
    ]);
    const address = new URL(temporal.url).host;
    const [database, redis] = [await createTestDatabase(), await startRedisServer()];
    await seed(database, redis, TENANTS);
    const environment = await TestWorkflowEnvironment.createFromExistingServer({ address });
    const { workflow } = environment.client;
    const writer = query(adminUrl(database), `select pg_advisory_lock(${SETTLING}), pg_sleep(600)`).catch(
      () => undefined,
    );
    let worker = await startWorker(database, redis, address);
    const workflowId = `daily-quota-reset-${randomUUID()}`;
    const handle = await workflow.start<() => Promise<string>>(names.dailyQuotaReset, {
      workflowId,
      taskQueue: BATCH_QUEUE,
    });
    await until('a page is being settled', () => isSettling(database));
    await worker.end('SIGKILL');
    await query(
      adminUrl(database),
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event = 'PgSleep'`,
    );
    await writer;
    expect(await settledAgents(database)).toEqual({ rows: 0, agents: null });
    worker = await startWorker(database, redis, address);
    expect(await handle.result()).toBe(`${DAYS} days settled, up to ${yesterday()}.`);
    expect(await settledAgents(database)).toEqual({ rows: TENANTS * DAYS, agents: TENANTS * DAYS * 3 });
    const counted = `select distinct count::int from usage_events where metric = 'api_calls'`;
    expect((await query(adminUrl(database), counted)).rows).toEqual([{ count: 40 }]);
    await until('all runs are listed', async () => {
      const { count } = await workflow.count(`WorkflowId = '${workflowId}'`);
      return count > 1;
    });
    await worker.end('SIGTERM');
    await environment.teardown();
    await redis.close();
    await dropTestDatabase(database);
    await temporal.close();
  },
);

it('One hundred thousand tenants settle in pages', { timeout: 1_200_000 }, async () => {
  const temporal = await startTemporalServer();
  const few = await measure(temporal.url, 10_000);
  const many = await measure(temporal.url, 100_000);
  await temporal.close();
  const rows = [few, many].map(
    ({ tenants, seconds, microseconds, megabytes }) =>
      `| ${tenants} | ${seconds.toFixed(1)} s | ${microseconds.toFixed(0)} µs | ${megabytes.map((most) => `${most.toFixed(0)} MB`).join(' | ')} |`,
  );
  writeProof(
    'Settling days',
    [
      '`npm run proof -- workers/test/settle-usage.proof.test.ts`: the workflow `dailyQuotaReset` in a Temporal and a ' +
        `worker of the run’s own settles ${DAYS} missed days. Each tenant has three agents, and calls of each day in Postgres ` +
        'and Redis. The memory is the most that the worker’s process had, in this run and when it did the same again.',
      '',
      '| tenants | time | of a tenant and day | memory | memory, again |',
      '|---|---|---|---|---|',
      ...rows,
    ].join('\n'),
  );
  console.log(rows.join('\n'));
  expect(many.microseconds).toBeLessThanOrEqual(2 * few.microseconds);
  expect(many.megabytes[1]).toBeLessThanOrEqual(1.1 * many.megabytes[0]);
  expect(many.megabytes[1]).toBeLessThanOrEqual(1.5 * few.megabytes[1]);
});
