import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../dev/test/support/until.ts';
import { startApiProcess } from './support/api-process.ts';
import type { ApiProcess } from './support/api-process.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { NO_RATE, at, callsOf } from './support/metered.ts';
import { writeProof } from './support/proof-report.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { startRedisServer } from './support/redis-server.ts';
import type { RedisServer } from './support/redis-server.ts';
import { adminUrl, createTestDatabase, dropTestDatabase, query } from './support/servers.ts';

/** A tenant with what its clients have noted, outside the platform. */
interface Journal {
  member: TestMember;
  token: string;
  /** Calls of today at an earlier process, in the ledger from the beginning. */
  earlier: number;
  sent: number;
  acknowledged: number;
  /** When each was acknowledged. */
  times: number[];
}

const LIMIT = 1_000;
const WIDTH = 8;

let database: string;
/** The primary, and those that it has followed. */
let redis: RedisServer;
const retired: RedisServer[] = [];
/** By which the first process reaches Redis, and the second. */
let address: Proxy;
let proxy: Proxy;
let processes: [ApiProcess, ApiProcess];

const sql = async (text: string, values: unknown[] = []) =>
  (await query(adminUrl(database), text, values)).rows as Record<string, unknown>[];
const start = (url: string) => startApiProcess(database, { ...NO_RATE, REDIS_URL: url });
const restartSecond = async (): Promise<void> => {
  processes[1] = await start(proxy.url);
};

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startRedisServer({ appendonly: 'yes' });
  [address, proxy] = [await startProxy(redis.url), await startProxy(redis.url)];
  processes = [await start(address.url), await start(proxy.url)];
});
afterAll(async () => {
  redis.thaw();
  for (const process of processes) await process.end('SIGKILL');
  await Promise.all([address.close(), proxy.close()]);
  for (const server of [redis, ...retired]) await server.close();
  await dropTestDatabase(database);
});

/** A paid tenant is never refused; a free one begins with 200 of its calls left. */
const openJournal = async (tier: 'free' | 'paid'): Promise<Journal> => {
  const member = await signUp(processes[0]);
  const earlier = tier === 'free' ? LIMIT - 200 : 0;
  await sql('update tenant_subscriptions set tier = $2 where tenant_id = $1', [member.tenantId, tier]);
  if (earlier)
    await sql(
      `insert into usage_events (tenant_id, day, metric, source, count)
       values ($1, (now() at time zone 'UTC')::date, 'api_calls', 'earlier', $2)`,
      [member.tenantId, earlier],
    );
  const token = await (await registerAgent(processes[0], member)).token();
  return { member, token, earlier, sent: 0, acknowledged: 0, times: [] };
};

const sendOne = async (journal: Journal, process: ApiProcess): Promise<void> => {
  journal.sent += 1;
  const status = await call(process, '/agents', {
    headers: { authorization: `Bearer ${journal.token}` },
  }).then(
    (reply) => reply.status,
    () => 0,
  );
  if (status === 200) {
    journal.acknowledged += 1;
    journal.times.push(performance.now());
  } else if (status !== 429) await wait(20);
};

/** Calls at both processes for as long as `work` takes. */
const underLoad = async (journals: Journal[], work: () => Promise<unknown>): Promise<void> => {
  let going = true;
  let next = 0;
  const client = async (): Promise<void> => {
    while (going) {
      const turn = next++;
      await sendOne(journals[turn % journals.length]!, processes[Math.floor(turn / journals.length) % 2]!);
    }
  };
  const clients = Array.from({ length: WIDTH }, client);
  await work().finally(() => (going = false));
  await Promise.all(clients);
};

const FAILOVER = 'Redis fails over to its replica, and the old primary is demoted';

/** What each fault does under load; afterwards everything runs again. */
const faults: Record<string, () => Promise<void>> = {
  'no fault': () => wait(5_000),
  'Redis hangs 4 s, the second process ends meanwhile': async () => {
    await wait(1_000);
    redis.freeze();
    await wait(2_000);
    await processes[1].end('SIGTERM');
    await wait(2_000);
    redis.thaw();
    await wait(1_000);
    await restartSecond();
  },
  'Redis is killed and starts again': async () => {
    await wait(1_000);
    await redis.kill();
    await wait(1_000);
    await redis.start();
    await wait(3_000);
  },
  'Redis is emptied': async () => {
    await wait(2_000);
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
    await wait(2_000);
  },
  'the second process is cut off from Redis, then ends': async () => {
    await wait(1_000);
    await proxy.cut();
    await wait(4_000);
    await processes[1].end('SIGTERM');
    await proxy.mend();
    await wait(1_000);
    await restartSecond();
  },
  [FAILOVER]: async () => {
    const replica = await startRedisServer({ appendonly: 'yes' });
    await replica.call('REPLICAOF', '127.0.0.1', String(redis.port));
    await until('the replica is linked', async () =>
      String(await replica.call('INFO', 'replication')).includes('master_link_status:up'),
    );
    await wait(1_000);
    await replica.call('REPLICAOF', 'NO', 'ONE');
    await redis.call('REPLICAOF', '127.0.0.1', String(replica.port));
    for (const way of [address, proxy]) way.lead(replica.url);
    retired.push(redis);
    redis = replica;
    await wait(4_000);
  },
  'the second process is killed': async () => {
    await wait(2_000);
    await processes[1].end('SIGKILL');
    await wait(1_000);
    await restartSecond();
  },
};

/** What a process shows of each tenant, once it answers: on a busy machine Postgres may be slow. */
const figures = async (process: ApiProcess, journals: Journal[]): Promise<number[]> => {
  const shown: number[] = [];
  for (const { member } of journals) {
    const asker = at(process, member);
    await until('the process answers', async () => (await asker.get('/billing/usage')).status === 200);
    shown.push(await callsOf(asker));
  }
  return shown;
};

/** Milliseconds until both processes show the same of every tenant. */
const untilOneFigure = async (journals: Journal[]): Promise<number> => {
  const started = performance.now();
  for (;;) {
    const [first, second] = [await figures(processes[0], journals), await figures(processes[1], journals)];
    if (first.every((figure, place) => figure === second[place])) return performance.now() - started;
    expect(performance.now() - started, 'two processes show different figures').toBeLessThan(60_000);
    await wait(200);
  }
};

const ledgers = async (journals: Journal[]): Promise<number[]> => {
  const rows = await sql(
    `select tenant_id, sum(count)::int as total from usage_events where metric = 'api_calls' group by 1`,
  );
  const totals = new Map(rows.map((row) => [row.tenant_id, row.total as number]));
  return journals.map(({ member, earlier }) => (totals.get(member.tenantId) ?? 0) - earlier);
};

/** The most calls that were served within so long. */
const busiest = ({ times }: Journal, ms: number): number =>
  Math.max(0, ...times.map((from, place) => times.slice(place).filter((time) => time < from + ms).length));

interface Outcome {
  fault: string;
  sent: number;
  acknowledged: number;
  overshoot: number;
  /** What may go over: the free tenant's calls of the time in which processes may not know of each other. */
  bound: number;
  sameAfterMs: number;
}

const sum = (numbers: number[]): number => numbers.reduce((all, number) => all + number, 0);

const judge = async (fault: string, paid: Journal[]): Promise<{ outcome: Outcome; free: Journal }> => {
  const free = await openJournal('free');
  const journals = [...paid, free];
  const before = {
    sent: sum(paid.map((one) => one.sent)),
    acknowledged: sum(paid.map((one) => one.acknowledged)),
  };
  await underLoad(journals, faults[fault]!);
  const sameAfterMs = await untilOneFigure(journals);
  const shown = (await figures(processes[0], journals)).map((figure, i) => figure - journals[i]!.earlier);
  for (const [place, { acknowledged, sent }] of journals.entries()) {
    expect(shown[place], `${fault}: acknowledged`).toBeGreaterThanOrEqual(acknowledged);
    expect(shown[place], `${fault}: sent`).toBeLessThanOrEqual(sent);
    if (fault === 'no fault') expect(shown[place]).toBe(acknowledged);
  }
  const overshoot = Math.max(0, free.acknowledged - (LIMIT - free.earlier));
  const outcome = {
    fault,
    sent: sum(journals.map((one) => one.sent)) - before.sent,
    acknowledged: sum(journals.map((one) => one.acknowledged)) - before.acknowledged,
    overshoot,
    bound: busiest(free, 5_000),
    sameAfterMs,
  };
  expect(overshoot, `${fault}: over the limit`).toBeLessThanOrEqual(outcome.bound);
  return { outcome, free };
};

const [none = '', ...others] = Object.keys(faults).filter((name) => name !== FAILOVER);
const orders: [name: string, faults: string[]][] = [
  ['in one order', [none, ...others]],
  ['in the opposite order', [none, ...others.toReversed()]],
  ['a failover', [none, FAILOVER]],
];
const INTRO =
  '`npm run proof -- api/test/metering.proof.test.ts`: two API processes, a Redis (append-only file, everysec) and a ' +
  'Postgres of the run’s own, eight clients that keep a journal. In each row two paid tenants go on and a free one ' +
  'begins, 200 calls below its limit. "Over the limit" are the free tenant’s calls beyond 1,000; "same figure" is ' +
  'how long after the load `GET /billing/usage` of both processes answers the same for every tenant.';

it.each(orders)(
  'Every call is counted once through faults, %s',
  { timeout: 1_500_000 },
  async (name, order) => {
    const paid = [await openJournal('paid'), await openJournal('paid')];
    const all = [...paid];
    const rows: string[] = [];
    for (const fault of order) {
      const { outcome, free } = await judge(fault, paid);
      all.push(free);
      // One fault at a time: a killed process's last minute is in Redis alone until another one has flushed it.
      await wait(65_000);
      const { sent, acknowledged, overshoot, sameAfterMs } = outcome;
      rows.push(
        `| ${fault} | ${sent} | ${acknowledged} | ${overshoot} | ${(sameAfterMs / 1_000).toFixed(1)} s |`,
      );
      console.log(rows.at(-1));
    }
    const [stored, shown] = [await ledgers(all), await figures(processes[0], all)];
    expect(stored).toEqual(shown.map((figure, place) => figure - all[place]!.earlier));
    for (const [place, { acknowledged, sent }] of all.entries()) {
      expect(stored[place]).toBeGreaterThanOrEqual(acknowledged);
      expect(stored[place]).toBeLessThanOrEqual(sent);
    }
    const totals = [sum(all.map((one) => one.acknowledged)), sum(stored), sum(all.map((one) => one.sent))];
    writeProof(
      `Metering through faults, ${name}`,
      [
        INTRO,
        '',
        `Acknowledged ${totals[0]} ≤ ledger ${totals[1]} ≤ sent ${totals[2]}, and so for each of the ${all.length} tenants.`,
        '',
        '| fault | sent | acknowledged | over the limit | same figure |',
        '|---|---|---|---|---|',
        ...rows,
      ].join('\n'),
    );
  },
);
