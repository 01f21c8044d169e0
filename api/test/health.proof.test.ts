import { afterAll, beforeAll, expect, it } from 'vitest';
import { IMPATIENT, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, post, registerAgent, signUp } from './support/callers.ts';
import type { Reply } from './support/callers.ts';
import { writeProof } from './support/proof-report.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { appUrl, createTestDatabase, dropTestDatabase, redisUrl } from './support/servers.ts';
import { until } from '../../dev/test/support/until.ts';

let postgres: Proxy;
let redis: Proxy;
let api: TestApi;
let asks: (() => Promise<Reply>)[];
const rows: string[] = [];
beforeAll(async () => {
  const database = await createTestDatabase();
  postgres = await startProxy(appUrl(database));
  redis = await startProxy(redisUrl(database));
  api = await startApi({
    database,
    env: { ...IMPATIENT, APP_DATABASE_URL: postgres.url, REDIS_URL: redis.url },
  });
  const member = await signUp(api);
  const agent = await registerAgent(api, member);
  asks = [
    () => member.get('/agents'),
    () => agent.get('/agents'),
    () => agent.requestToken(),
    () => post(api, '/auth/sign-in', { email: member.email, password: member.password }),
  ];
});
afterAll(async () => {
  await api.close();
  await postgres.close();
  await redis.close();
  await dropTestDatabase(api.database);
});

const timeOf = async (ask: () => Promise<Reply>, status: number): Promise<number> => {
  const started = performance.now();
  const reply = await ask();
  const ms = performance.now() - started;
  expect(reply.status).toBe(status);
  return ms;
};

const note = (what: string, times: number[], boundMs: number): void => {
  const slowest = Math.max(...times);
  rows.push(`| ${what} | ${times.length} | ${slowest.toFixed(0)} ms | ${boundMs} ms |`);
  expect(slowest).toBeLessThan(boundMs);
};

const refuse = async (): Promise<number[]> => {
  const round = () => Promise.all(asks.map((ask) => timeOf(ask, 503)));
  return [...(await round()), ...(await round())];
};

/** One after the other. */
const timeHealth = async (what: string): Promise<void> => {
  const times: number[] = [];
  for (let i = 0; i < 50; i++) times.push(await timeOf(() => call(api, '/health'), 200));
  note(`\`GET /health\`, ${what}`, times, 50);
};

const healthBecomes = (expected: string): Promise<void> =>
  until(`the status is ${expected}`, async () => (await call(api, '/health')).body.status === expected);

const mend = async (): Promise<void> => {
  for (const proxy of [postgres, redis]) await proxy.cut();
  for (const proxy of [postgres, redis]) await proxy.mend();
  await healthBecomes('ok');
  await until('all is served', async () =>
    (await Promise.all(asks.map((ask) => ask()))).every(({ status }) => status === 200),
  );
};

it('Health stays fast with everything down; Postgres away answers 503 within seconds', async () => {
  await mend();
  await timeHealth('all connected');

  for (const proxy of [postgres, redis]) await proxy.cut();
  note('a request that needs Postgres, while it is stopped', await refuse(), 2_000);
  await healthBecomes('degraded');
  await timeHealth('Postgres and Redis stopped');

  await mend();
  postgres.hang();
  note('a request that needs Postgres, while it hangs', await refuse(), 3_000);
  redis.hang();
  await healthBecomes('degraded');
  await timeHealth('Postgres and Redis hanging');

  writeProof(
    'Health, and requests without Postgres',
    [
      '`npm run proof -- api/test/health.proof.test.ts`: the slowest of each.',
      '',
      '| what | requests | slowest | bound |',
      '|---|---|---|---|',
      ...rows,
    ].join('\n'),
  );
});
