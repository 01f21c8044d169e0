import { afterAll, expect, it } from 'vitest';
import { IMPATIENT, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { Json } from './support/callers.ts';
import { startPostgresPair } from './support/postgres-servers.ts';
import { writeProof } from './support/proof-report.ts';
import { startProxy } from './support/proxy.ts';
import { startRedisServer } from './support/redis-server.ts';
import { createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { startSilence } from './support/silence.ts';
import { startTemporalServer } from './support/temporal-server.ts';
import { until } from '../../dev/test/support/until.ts';

const BOUND_MS = 5_000;

type Check = () => Promise<boolean>;

interface Fault {
  what: string;
  begin: () => Promise<unknown> | void;
  /** A good server is at the address again; none where new connections work all the time. */
  end?: () => Promise<unknown> | void;
}

interface Service {
  name: 'database' | 'redis' | 'temporal';
  apis: TestApi[];
  /** A call is answered though the service is of no use: from memory, or by 503. */
  isAnswered: Check;
  isServed: Check;
}

const rows: string[] = [];
const PARTS = 3;
let finished = 0;
afterAll(() => {
  if (finished < PARTS) return;
  const head = ['service and fault', 'first call answered', '`/health` tells', 'served again'];
  const intro =
    '`npm run proof -- api/test/useless.proof.test.ts`: seconds after a service of the API’s became useless until the ' +
    'first call was answered without it (Redis: from memory; Postgres, Temporal: 503) and `/health` of every process ' +
    'told it, and after a good server was back at the address until all worked again (Redis: one limit over two ' +
    'processes). Half-open: the peer is gone without a word and new connections work, so all count from the fault, ' +
    `and \`/health\` may have nothing to tell. Each is at most ${BOUND_MS / 1_000} s.`;
  writeProof(
    'Useless connections',
    [intro, '', `| ${head.join(' | ')} |`, '|---|---|---|---|', ...rows].join('\n'),
  );
});

/** The milliseconds from then to when it was first found so. */
const timeUntil = async (what: string, from: number, isSo: Check): Promise<number> => {
  await until(what, isSo);
  return performance.now() - from;
};

const isTold = async ({ apis, name }: Service, isWell: boolean): Promise<boolean> => {
  const answers = await Promise.all(apis.map((api) => call(api, '/health')));
  return answers.every(({ body }) => ((body.services as Json)[name] === 'connected') === isWell);
};

const measure = async (service: Service, { what, begin, end }: Fault): Promise<void> => {
  const { name, isAnswered, isServed } = service;
  await until(`${name} is well`, async () => (await isTold(service, true)) && isServed());
  let from = performance.now();
  await begin();
  const answer = timeUntil('a call is answered', from, isAnswered);
  const told = end && timeUntil('it is told', from, () => isTold(service, false));
  const times = await Promise.all([answer, told]);
  if (end) from = performance.now();
  await end?.();
  times.push(await timeUntil('all is served again', from, isServed));
  const seconds = times.map((ms) => (ms === undefined ? '—' : (ms / 1_000).toFixed(1)));
  rows.push(`| ${name}, ${what} | ${seconds.join(' | ')} |`);
  console.log(rows.at(-1));
  for (const ms of times) if (ms !== undefined) expect(ms).toBeLessThan(BOUND_MS);
};

it('A useless Redis is told, left and used again within 5 seconds', async () => {
  const LIMIT = 10;
  const [server, other] = [await startRedisServer(), await startRedisServer()];
  const proxy = await startProxy(server.url);
  const database = await createTestDatabase();
  const env = {
    ...IMPATIENT,
    RATE_LIMIT_WINDOW_MS: '600000',
    RATE_LIMIT_MAX_REQUESTS: String(LIMIT),
    REDIS_URL: proxy.url,
    BILLING_ENABLED: 'false',
  };
  const apis = [await startApi({ env, database }), await startApi({ env, database })];
  // Of a member each: members have a limit, too.
  const newCaller = async () => {
    const token = await (await registerAgent(apis[0]!, await signUp(apis[0]!))).token();
    const headers = { authorization: `Bearer ${token}` };
    return async (api: TestApi) => (await call(api, '/agents?limit=1', { headers })).status;
  };
  const callers = await Promise.all(Array.from({ length: 5 }, newCaller));
  const service: Service = {
    name: 'redis',
    apis,
    isAnswered: async () => (await callers.pop()!(apis[0]!)) === 200,
    // In memory, a process would let half of the limit through, and the other would not know of it.
    isServed: async () => {
      const ask = await newCaller();
      for (let i = 0; i < LIMIT; i++) if ((await ask(apis[0]!)) !== 200) return false;
      return (await ask(apis[1]!)) === 429;
    },
  };
  await measure(service, {
    what: 'a read-only replica',
    begin: () => server.call('REPLICAOF', '127.0.0.1', String(other.port)),
    end: () => server.call('REPLICAOF', 'NO', 'ONE'),
  });
  await measure(service, { what: 'half-open', begin: proxy.strand });
  await measure(service, { what: 'frozen', begin: server.freeze, end: () => proxy.lead(other.url) });
  server.thaw();
  for (const api of apis) await api.close();
  await proxy.close();
  for (const each of [server, other]) await each.close();
  await dropTestDatabase(database);
  finished += 1;
});

it('A useless Postgres is told, left and used again within 5 seconds', async () => {
  const { primary, standby } = await startPostgresPair();
  const silence = await startSilence();
  const proxy = await startProxy(primary.appUrl);
  const env = { APP_DATABASE_URL: proxy.url, RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  const api = await startApi({ database: 'a server of its own', env });
  const member = await signUp(api);
  const agent = await registerAgent(api, member);
  const ask = () => Promise.all([agent.requestToken(), member.get('/agents'), agent.get('/agents')]);
  const service: Service = {
    name: 'database',
    apis: [api],
    isAnswered: async () => (await ask()).some(({ status }) => status === 503),
    isServed: async () => (await ask()).every(({ status }) => status === 200),
  };
  const setReadOnly = async (to: string): Promise<void> => {
    await primary.sql(`alter system set default_transaction_read_only = ${to}`);
    await primary.sql('select pg_reload_conf()');
  };
  await measure(service, {
    what: 'read-only',
    begin: () => setReadOnly('on'),
    end: () => setReadOnly('off'),
  });
  await measure(service, { what: 'half-open', begin: proxy.strand });
  await measure(service, {
    what: 'frozen',
    begin: () => {
      proxy.lead(silence.url);
      proxy.strand();
    },
    end: () => proxy.lead(primary.appUrl),
  });
  await proxy.cut();
  await api.close();
  silence.close();
  await primary.stop();
  await standby.stop();
  finished += 1;
});

it('A useless Temporal is told, left and used again within 5 seconds', async () => {
  const server = await startTemporalServer();
  const proxy = await startProxy(server.url);
  const api = await startApi({ env: { TEMPORAL_ADDRESS: new URL(proxy.url).host } });
  const isServedWithin = (ms: number): Promise<boolean> =>
    api.deps.temporal!.within(ms, ({ workflow }) => workflow.count()).then(Boolean, () => false);
  const service: Service = {
    name: 'temporal',
    apis: [api],
    // As patient as a checkout; who looks whether it serves again asks more often.
    isAnswered: async () => !(await isServedWithin(2_500)),
    isServed: () => isServedWithin(500),
  };
  await measure(service, { what: 'half-open', begin: proxy.strand });
  await measure(service, { what: 'frozen', begin: server.freeze, end: server.thaw });
  await api.close();
  await proxy.close();
  await server.close();
  finished += 1;
});
