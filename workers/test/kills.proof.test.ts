import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTemporal } from '@sentryagent/api/platform/temporal';
import { startApiProcess } from '../../api/test/support/api-process.ts';
import type { ApiProcess } from '../../api/test/support/api-process.ts';
import { call, registerAgent, signUp } from '../../api/test/support/callers.ts';
import { judge, openCaller, openJournal, underLoad } from '../../api/test/support/journal.ts';
import type { Caller } from '../../api/test/support/journal.ts';
import { NO_RATE, sendCalls } from '../../api/test/support/metered.ts';
import { startDurablePostgres } from '../../api/test/support/postgres-servers.ts';
import { writeProof } from '../../api/test/support/proof-report.ts';
import { startRedisServer } from '../../api/test/support/redis-server.ts';
import type { RedisServer } from '../../api/test/support/redis-server.ts';
import { query } from '../../api/test/support/servers.ts';
import { startTemporalServer } from '../../api/test/support/temporal-server.ts';
import type { TemporalServer } from '../../api/test/support/temporal-server.ts';
import { required } from '../../dev/test/support/required.ts';
import { until } from '../../dev/test/support/until.ts';
import { startWorkerProcess } from './support/worker-process.ts';
import type { WorkerProcess } from './support/worker-process.ts';

const KILLS = 5;

let postgres: Awaited<ReturnType<typeof startDurablePostgres>>;
let redis: RedisServer;
let temporal: TemporalServer;
let settings: Record<string, string>;
let apis: [ApiProcess, ApiProcess];
let worker: WorkerProcess;
const journal = openJournal();
const folder = mkdtempSync(join(tmpdir(), 'sentryagent-temporal-'));

const sql = async (text: string, values: unknown[] = []) =>
  (await query(postgres.adminUrl, text, values)).rows as Record<string, unknown>[];
const startApi = (): Promise<ApiProcess> => startApiProcess('a server of its own', settings);
const startWorker = () =>
  startWorkerProcess({ ...settings, WORKFLOW_BUNDLE: required('TEST_WORKFLOW_BUNDLE') });

beforeAll(async () => {
  postgres = await startDurablePostgres();
  redis = await startRedisServer({ appendonly: 'yes' });
  const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL'].flatMap((each) => ['--sqlite-pragma', each]);
  temporal = await startTemporalServer(['--db-filename', join(folder, 'temporal.db'), ...pragmas]);
  settings = {
    ...NO_RATE,
    APP_DATABASE_URL: postgres.appUrl,
    REDIS_URL: redis.url,
    TEMPORAL_ADDRESS: new URL(temporal.url).host,
  };
  apis = [await startApi(), await startApi()];
  worker = await startWorker();
});
afterAll(async () => {
  journal.close();
  for (const api of apis) await api.end('SIGKILL');
  await worker.end('SIGKILL');
  await temporal.close();
  await redis.close();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

const isWell = async (api: ApiProcess): Promise<boolean> => (await call(api, '/health')).body.status === 'ok';

/** What each fault does; afterwards everything runs again. */
const faults: Record<string, () => Promise<unknown>> = {
  'API killed': async () => {
    await apis[1].end('SIGKILL');
    apis[1] = await startApi();
  },
  'worker killed': async () => {
    await worker.end('SIGKILL');
    worker = await startWorker();
  },
  'Redis killed': async () => {
    await redis.kill();
    await wait(500);
    await redis.start();
  },
  'Postgres killed': async () => {
    await postgres.kill();
    await wait(500);
    await postgres.restart();
  },
  'Temporal killed': async () => {
    await temporal.kill();
    await wait(500);
    await temporal.start();
  },
  'Redis hangs 600 ms': async () => {
    redis.freeze();
    await wait(600);
    redis.thaw();
  },
};

/** Under load, so often, and each time after all was well again. */
const repeat = (callers: Caller[], fault: () => Promise<unknown>): Promise<void> =>
  underLoad(
    journal,
    callers,
    () => apis,
    async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        await wait(700);
        await fault();
        for (const api of apis) await until('all is well', () => isWell(api));
      }
      await wait(700);
    },
  );

const rows: string[] = [];
const note = async (what: string, callers: Caller[], isExact: boolean): Promise<void> => {
  const cells: number[] = [0, 0, 0, 0, 0, 0];
  for (const caller of callers) {
    const { calls, tokens } = await judge(journal, caller, apis, sql);
    const found = [calls, tokens].flatMap((each) => [each.acknowledged, each.counted, each.sent]);
    if (isExact) expect(new Set(found.slice(0, 3)).size + new Set(found.slice(3)).size).toBe(2);
    for (const [place, count] of found.entries()) cells[place]! += count;
  }
  rows.push(`| ${what} | ${cells.join(' | ')} |`);
  console.log(rows.at(-1));
};

it(
  'Without a fault the ledger equals the journal, and A killed component loses no acknowledged call',
  { timeout: 900_000 },
  async () => {
    const open = () => openCaller(apis[0], sql);
    const all: Caller[] = [];
    for (const [what, fault] of Object.entries({ 'no fault': () => wait(0), ...faults })) {
      const callers = [await open(), await open()];
      await repeat(callers, fault);
      await note(what === 'no fault' ? what : `${what}, ${KILLS} times`, callers, what === 'no fault');
      all.push(...callers);
    }
    // Stopped, the processes have written everything: the ledger has what they showed.
    for (const place of [0, 1] as const) {
      expect(await apis[place].end('SIGTERM')).toBe(0);
      apis[place] = await startApi();
    }
    for (const caller of all) {
      const { calls } = await judge(journal, caller, apis, sql);
      const [row] = await sql(
        `select sum(count)::int as total from usage_events where tenant_id = $1 and metric = 'api_calls'`,
        [caller.member.tenantId],
      );
      expect(row!.total).toBe(calls.counted);
    }
  },
);

it('Schedules catch up after Temporal was away', { timeout: 120_000 }, async () => {
  const connection = createTemporal({ ...settings, TEMPORAL_NAMESPACE: 'default' } as never);
  const id = 'daily-quota-reset';
  const actions = async () =>
    (await connection.within(5_000, ({ schedule }) => schedule.getHandle(id).describe())).info.recentActions;
  await until('the API has made the schedule', async () => Boolean(await actions()));
  // As the API made it, but every two seconds.
  const spec = { intervals: [{ every: '2s' }] };
  await connection.within(5_000, ({ schedule }) =>
    schedule.getHandle(id).update((made) => ({ ...made, spec }) as never),
  );
  await until('it runs', async () => (await actions()).length > 0);
  const lostAt = Date.now();
  await temporal.kill();
  await wait(6_000);
  const backAt = Date.now();
  await temporal.start();
  await until('what was missed runs', async () =>
    (await actions()).some(
      ({ scheduledAt, takenAt }) =>
        scheduledAt.getTime() > lostAt && scheduledAt.getTime() < backAt && takenAt.getTime() >= backAt,
    ),
  );
  await connection.within(5_000, ({ schedule }) => schedule.getHandle(id).delete());
  await connection.close();
});

it('A flushed Redis keeps the limit within 1010, emptied under load', { timeout: 300_000 }, async () => {
  const served: number[] = [];
  for (let round = 0; round < KILLS; round++) {
    const token = await (await registerAgent(apis[0], await signUp(apis[0]))).token();
    const before = await sendCalls(apis, token, 468, 32);
    const [after] = await Promise.all([
      sendCalls(apis, token, 1_000, 32),
      wait(20).then(() => redis.call('FLUSHALL')),
    ]);
    served.push(before + after);
    expect(before + after).toBeGreaterThanOrEqual(1_000);
    expect(before + after).toBeLessThanOrEqual(1_010);
  }
  writeProof(
    'Kills',
    [
      '`npm run proof -- workers/test/kills.proof.test.ts`: two API processes, a worker, a Redis (append-only file, ' +
        'everysec), a Postgres and a Temporal of the run’s own. Eight clients call and ask for tokens, and write into a ' +
        'file what they send and what is acknowledged. `kill -9`, one component at a time, and then all runs again. For ' +
        'each of two tenants in a row, acknowledged ≤ counted ≤ sent; without a fault the three are equal. The tokens ' +
        'counted are those in the audit log, with every acknowledged `jti`.',
      '',
      '| fault | calls acknowledged | counted | sent | tokens acknowledged | counted | sent |',
      '|---|---|---|---|---|---|---|',
      ...rows,
      '',
      `Redis emptied under load at about 500 of a free tenant’s 1,000 calls, ${KILLS} times: ${served.join(', ')} served.`,
    ].join('\n'),
  );
});
