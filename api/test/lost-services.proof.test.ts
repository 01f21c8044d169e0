import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../dev/test/support/until.ts';
import { startApiProcess } from './support/api-process.ts';
import type { ApiProcess } from './support/api-process.ts';
import { basic, call, registerAgent, signUp } from './support/callers.ts';
import { NO_RATE } from './support/metered.ts';
import { writeProof } from './support/proof-report.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { startRedisServer } from './support/redis-server.ts';
import type { RedisServer } from './support/redis-server.ts';
import { appUrl, createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { startTemporalServer } from './support/temporal-server.ts';
import type { TemporalServer } from './support/temporal-server.ts';

/** Requests a second, half of them API calls and half token requests. */
const RATE = 100;

interface Sample {
  /** When it was sent, and how long the answer took. */
  at: number;
  ms: number;
  /** 0: none. */
  status: number;
}

let database: string;
let postgres: Proxy;
let redis: RedisServer;
let temporal: TemporalServer;
let apis: ApiProcess[];
let bearer: string;
let secret: string;
const rows: string[] = [];
let finished = 0;

const start = (): Promise<ApiProcess> =>
  startApiProcess(database, {
    ...NO_RATE,
    BILLING_ENABLED: 'false',
    APP_DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    TEMPORAL_ADDRESS: new URL(temporal.url).host,
  });
const isWell = async (api: ApiProcess): Promise<boolean> => (await call(api, '/health')).body.status === 'ok';

beforeAll(async () => {
  database = await createTestDatabase();
  postgres = await startProxy(appUrl(database));
  redis = await startRedisServer();
  temporal = await startTemporalServer();
  apis = [await start(), await start()];
  const agent = await registerAgent(apis[0]!, await signUp(apis[0]!));
  bearer = `Bearer ${await agent.token()}`;
  secret = basic(agent.clientId, agent.clientSecret);
});
afterAll(async () => {
  for (const api of apis) await api.end('SIGKILL');
  await Promise.all([postgres.close(), temporal.close(), redis.close()]);
  await dropTestDatabase(database);
  if (finished < 4) return;
  writeProof(
    'Lost services',
    [
      `\`npm run proof -- api/test/lost-services.proof.test.ts\`: two API processes at ${RATE} requests a second, half ` +
        'of them API calls and half token requests, whether or not earlier ones are answered.',
      '',
      '| what | requests | failed | p50 | p99 | slowest |',
      '|---|---|---|---|---|---|',
      ...rows,
    ].join('\n'),
  );
});

/** As a load balancer has them: connections that stay open, and another process if one accepts no connection. */
const connections = new Agent({ keepAlive: true });

const send = (turn: number, place: number, tries = apis.length): Promise<number> =>
  new Promise((resolve) => {
    const isCall = Math.floor(turn / 2) % 2 === 0;
    const form = isCall ? '' : 'grant_type=client_credentials';
    const asked = request(`${apis[place]!.url}${isCall ? '/agents?limit=1' : '/oauth2/token'}`, {
      agent: connections,
      method: isCall ? 'GET' : 'POST',
      headers: {
        authorization: isCall ? bearer : secret,
        ...(!isCall && {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': form.length,
        }),
      },
    });
    asked.on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode!)));
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const isRefused = error.code === 'ECONNREFUSED' && tries > 1;
      if (!isRefused) console.log(error.code, `a connection that was used before: ${asked.reusedSocket}`);
      resolve(isRefused ? send(turn, (place + 1) % apis.length, tries - 1) : 0);
    });
    asked.end(form);
  });

/** Sends at a steady rate, to each process in turn, while `work` runs. */
const steadily = async (work: () => Promise<unknown>): Promise<Sample[]> => {
  const samples: Promise<Sample>[] = [];
  const from = performance.now();
  const timer = setInterval(() => {
    while (samples.length < ((performance.now() - from) * RATE) / 1_000) {
      const [turn, at] = [samples.length, performance.now()];
      const sent = send(turn, turn % apis.length);
      samples.push(sent.then((status) => ({ at, ms: performance.now() - at, status })));
    }
  }, 5);
  await work().finally(() => clearInterval(timer));
  return Promise.all(samples);
};

const quantile = (samples: Sample[], share: number): number => {
  const times = samples.map(({ ms }) => ms).sort((a, b) => a - b);
  return times[Math.min(times.length - 1, Math.floor(times.length * share))]!;
};

const note = (what: string, samples: Sample[]): { p99: number; slowest: number; failed: number } => {
  const failed = samples.filter(({ status }) => status !== 200).length;
  const [p50 = 0, p99 = 0, slowest = 0] = [0.5, 0.99, 1].map((share) => quantile(samples, share));
  const times = [p50, p99, slowest].map((ms) => `${ms.toFixed(0)} ms`);
  rows.push(`| ${what} | ${samples.length} | ${failed} | ${times.join(' | ')} |`);
  console.log(rows.at(-1));
  return { p99, slowest, failed };
};

let baseline: number;

it('A hanging Redis slows no request down', async () => {
  await steadily(() => wait(2_000));
  const before = note('all is well', await steadily(() => wait(10_000)));
  baseline = before.p99;
  let hungAt = 0;
  const samples = await steadily(async () => {
    hungAt = performance.now();
    redis.freeze();
    await wait(5_000);
  });
  redis.thaw();
  const throughout = note('Redis hangs for 5 s', samples);
  const later = note(
    'the same, from 500 ms on',
    samples.filter(({ at }) => at >= hungAt + 500),
  );
  expect([before.failed, throughout.failed]).toEqual([0, 0]);
  expect(throughout.p99).toBeLessThanOrEqual(250);
  expect(later.p99).toBeLessThanOrEqual(2 * baseline);
  for (const api of apis) await until('Redis is used again', () => isWell(api));
  finished += 1;
});

it('The API recovers when Postgres returns after 10 s, and answers 503 at once until then', async () => {
  let [lostAt, goneAt, backAt] = [0, 0, 0];
  const samples = await steadily(async () => {
    await wait(1_000);
    lostAt = performance.now();
    await postgres.cut();
    goneAt = performance.now();
    await wait(10_000);
    await postgres.mend();
    backAt = performance.now();
    await wait(7_000);
  });
  const lost = samples.filter(({ at }) => at >= lostAt && at < backAt);
  const { slowest } = note('Postgres is away for 10 s', lost);
  expect(slowest).toBeLessThan(2_000);
  expect(lost.filter(({ at, status }) => at >= goneAt && status !== 503)).toEqual([]);
  const last = samples.filter(({ status }) => status !== 200).at(-1)!;
  const seconds = Math.max(0, last.at - backAt) / 1_000;
  rows.push(`| it is back: the last request that failed, ${seconds.toFixed(1)} s later | | | | | |`);
  expect(last.at - backAt).toBeLessThan(5_000);
  finished += 1;
});

it('Losing Temporal slows no request down', async () => {
  const samples = await steadily(async () => {
    temporal.freeze();
    await wait(2_500);
    await temporal.kill();
    await wait(2_500);
  });
  await temporal.start();
  const { p99, failed } = note('Temporal hangs for 2.5 s, then is killed', samples);
  expect(failed).toBe(0);
  expect(p99).toBeLessThanOrEqual(2 * baseline);
  for (const api of apis) await until('Temporal is used again', () => isWell(api));
  finished += 1;
});

it('Stopping under load loses no request', async () => {
  const codes: (number | null)[] = [];
  const samples = await steadily(async () => {
    for (let stop = 0; stop < 10; stop++) {
      await wait(500);
      const place = stop % 2;
      codes.push(await apis[place]!.end('SIGTERM'));
      apis[place] = await start();
    }
  });
  const { failed } = note('SIGTERM to one of the two, 10 times', samples);
  expect([failed, ...new Set(codes)]).toEqual([0, 0]);
  finished += 1;
});
