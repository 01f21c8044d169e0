import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, registerAgent, signUp } from './support/callers.ts';
import type { Reply } from './support/callers.ts';
import { startProxy } from './support/proxy.ts';
import { createTestDatabase, dropTestDatabase, redisUrl } from './support/servers.ts';
import { holdTime, passTime, restoreTime } from './support/time.ts';
import { until } from '../../dev/test/support/until.ts';

afterAll(restoreTime);

const LONG = { RATE_LIMIT_WINDOW_MS: '600000' };

const use = (api: TestApi, token: string): Promise<Reply> =>
  call(api, '/agents', { headers: { authorization: `Bearer ${token}` } });

/** How many of so many calls, one after the other over these processes, were served. */
const served = async (apis: TestApi[], token: string, total: number): Promise<number> => {
  let count = 0;
  for (let i = 0; i < total; i++) {
    const { status } = await use(apis[i % apis.length]!, token);
    if (status === 200) count += 1;
    else expect(status).toBe(429);
  }
  return count;
};

describe('the rate limit', () => {
  it('Two API processes share one rate limit', async () => {
    const first = await startApi({ env: LONG });
    const second = await startApi({ env: LONG, database: first.database });
    const agent = await registerAgent(first, await signUp(first));
    const token = await agent.token();
    expect(await served([first, second], token, 100)).toBe(100);
    expect((await use(first, token)).status).toBe(429);
    expect((await use(second, token)).status).toBe(429);
    await second.close();
    await first.close();
  });

  it('Rate limit follows its two settings', async () => {
    const api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '5', RATE_LIMIT_WINDOW_MS: '1000' } });
    // Redis says which second it is: the calls are sent again, by another tenant, if they came in two of them.
    const second = async () => (await api.deps.redis!.time())[0];
    let [token, replies]: [string, Reply[]] = ['', []];
    await until('six calls come in one window', async () => {
      token = await (await registerAgent(api, await signUp(api))).token();
      const before = await second();
      replies = await Promise.all(Array.from({ length: 6 }, () => use(api, token)));
      return (await second()) === before;
    });
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
    await wait(Number(refused[0]!.headers.get('retry-after')) * 1_000 + 50);
    expect((await use(api, token)).status).toBe(200);
    await api.close();
  });

  it('Over the rate limit is refused with 429', async () => {
    const api = await startApi({ env: { ...LONG, RATE_LIMIT_MAX_REQUESTS: '2' } });
    const token = await (await registerAgent(api, await signUp(api))).token();
    expect(await served([api], token, 2)).toBe(2);
    const refused = await use(api, token);
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ code: 'rate_limited', error: 'rate_limited' });
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(1_200);
    await api.close();
  });

  it.each(['true', 'false'])(
    'A rate limited answer shows what is left of the day (in Redis: %s)',
    async (REDIS_RATE_LIMIT_ENABLED) => {
      const env = { ...LONG, RATE_LIMIT_MAX_REQUESTS: '2', REDIS_RATE_LIMIT_ENABLED };
      const api = await startApi({ env });
      const token = await (await registerAgent(api, await signUp(api))).token();
      expect(await served([api], token, 2)).toBe(2);
      for (let i = 0; i < 2; i++) {
        const { status, headers } = await use(api, token);
        expect(status).toBe(429);
        expect(headers.get('ratelimit')).toMatch(/^"window";r=0;t=\d+, "day";r=998;t=\d+$/);
      }
      await api.close();
    },
  );

  it('Paid tenant gets ten times the rate', async () => {
    const api = await startApi({ env: { ...LONG, RATE_LIMIT_MAX_REQUESTS: '10' } });
    const member = await signUp(api);
    await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [member.tenantId]);
    passTime(1_001);
    const token = await (await registerAgent(api, member)).token();
    expect(await served([api], token, 101)).toBe(100);
    await api.close();
  });

  it('limits the token endpoint per client', async () => {
    const api = await startApi({ env: { ...LONG, RATE_LIMIT_MAX_REQUESTS: '5' } });
    const member = await signUp(api);
    const [agent, other] = [await registerAgent(api, member), await registerAgent(api, member)];
    for (let i = 0; i < 5; i++) expect((await agent.requestToken()).status).toBe(200);
    const refused = await agent.requestToken();
    expect([refused.status, refused.body.error]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await other.requestToken()).status).toBe(200);
    await api.close();
  });

  it('Authenticated answers carry rate limit headers', async () => {
    const api = await startApi();
    const agent = await registerAgent(api, await signUp(api));
    const { headers } = await agent.get('/agents');
    expect(headers.get('ratelimit-policy')).toBe('"window";q=100;w=60, "day";q=1000;w=86400');
    expect(headers.get('ratelimit')).toMatch(/^"window";r=99;t=\d+, "day";r=999;t=\d+$/);
    await api.close();
  });

  it('Authenticated answers carry rate limit headers: to every caller, and with an error too', async () => {
    const api = await startApi({ env: LONG });
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    const authorization = basic(agent.clientId, agent.clientSecret);
    const present = (path: string) =>
      call(api, path, {
        method: 'POST',
        headers: { authorization },
        body: new URLSearchParams({ token: 'x' }),
      });
    const replies: [status: number, reply: Reply][] = [
      [200, await member.get('/agents')],
      [400, await agent.get('/agents?limit=0')],
      [403, await agent.post('/agents', { name: 'x' })],
      [404, await agent.get('/agents/agt_unknown')],
      [200, await agent.requestToken()],
      [400, await agent.requestToken({ scope: 'none:such' })],
      [200, await present('/oauth2/introspect')],
      [200, await present('/oauth2/revoke')],
    ];
    for (const [status, reply] of replies) {
      expect(reply.status).toBe(status);
      expect(reply.headers.get('ratelimit-policy')).toMatch(/^"window";q=100;w=600/);
      expect(reply.headers.get('ratelimit')).toMatch(/^"window";r=\d+;t=\d+/);
    }
    await api.close();
  });

  it('A burst at the window edge passes once', async () => {
    const { deps, database, close } = await startApi();
    const now = async () => {
      const [seconds, micros] = await deps.redis!.time();
      return Number(seconds) * 1_000 + Number(micros) / 1_000;
    };
    let [before, after] = [0, 0];
    await until('each burst is on its side of the edge', async () => {
      // Of the windows of about a minute, one that ends soon.
      const start = await now();
      const isSoon = (ms: number) => Math.abs(ms - (start % ms) - 1_900) < 100;
      const windowMs = Array.from({ length: 5_000 }, (_, i) => 60_000 + i).find(isSoon)!;
      const edge = start + windowMs - (start % windowMs);
      const api = await startApi({ env: { RATE_LIMIT_WINDOW_MS: String(windowMs) }, database });
      const burst = async () => {
        const call = { limitKey: `agent:${windowMs}`, rateMax: 100 };
        const answers = await Promise.all(Array.from({ length: 100 }, () => api.deps.meter.admit(call)));
        return answers.filter(({ outcome }) => outcome === 'allowed').length;
      };
      await wait(edge - (await now()) - 900);
      before = await burst();
      const isBefore = (await now()) < edge;
      await wait(edge - (await now()) + 1);
      after = await burst();
      await api.close();
      return isBefore && (await now()) < edge + 1_000;
    });
    expect(before).toBe(100);
    expect(after).toBeLessThanOrEqual(3);
    await close();
  });
});

/** Waits until so many processes, each of which tells Redis of itself twice a second, know of each other. */
const untilKnown = async (database: string, count: number): Promise<void> => {
  const redis = new Redis(redisUrl(database));
  let last = 0;
  const haveAllPinged = async (): Promise<boolean> => {
    const pings = await redis.zrangebyscore('usage:processes', '-inf', '+inf', 'WITHSCORES');
    const times = pings.filter((_, index) => index % 2 === 1).map(Number);
    if (times.length < count || Math.min(...times) <= last) return false;
    last = Math.max(...times);
    return true;
  };
  // They are there; each has asked since; and asks again, so it has heard the answer.
  for (let round = 0; round < 3; round++) await until('every process pings', haveAllPinged);
  redis.disconnect();
};

describe('limits without Redis', () => {
  it('Rate limit works in memory without Redis', async () => {
    const api = await startApi({ env: { ...LONG, REDIS_URL: '' } });
    expect(api.deps.redis).toBeUndefined();
    const token = await (await registerAgent(api, await signUp(api))).token();
    expect(await served([api], token, 101)).toBe(100);
    await api.close();
  });

  it('Redis rate limiting can be switched off', async () => {
    const api = await startApi({
      env: { ...LONG, RATE_LIMIT_MAX_REQUESTS: '4', REDIS_RATE_LIMIT_ENABLED: 'false' },
    });
    const token = await (await registerAgent(api, await signUp(api))).token();
    expect(await served([api], token, 5)).toBe(4);
    const redis = new Redis(redisUrl(api.database));
    expect(await redis.keys('*')).toEqual([]);
    redis.disconnect();
    await api.close();
  });

  it('Losing Redis refuses no traffic, and Limits are shared again when Redis returns', async () => {
    const database = await createTestDatabase();
    const proxy = await startProxy(redisUrl(database));
    const env = { ...LONG, RATE_LIMIT_MAX_REQUESTS: '40', REDIS_URL: proxy.url };
    const first = await startApi({ env, database });
    const second = await startApi({ env, database });
    const member = await signUp(first);
    const token = await (await registerAgent(first, member)).token();
    expect(await served([first, second], token, 10)).toBe(10);
    await untilKnown(database, 2);
    await proxy.cut();
    expect(await served([first, second], token, 20)).toBe(20);
    expect(first.logs.filter(({ level }) => level === 40)).not.toEqual([]);
    const other = await (await registerAgent(first, member)).token();
    expect(await served([first], other, 41)).toBe(20);
    await proxy.mend();
    const isBack = ({ logs }: TestApi) =>
      logs.some(({ msg }) => msg === 'redis is available again; limits are counted in Redis');
    await until('both have Redis again', () => [first, second].every(isBack));
    const third = await (await registerAgent(first, member)).token();
    expect(await served([first, second], third, 50)).toBe(40);
    await second.close();
    await first.close();
    await proxy.close();
    await dropTestDatabase(database);
  });
});

describe('the database pool', () => {
  const PATIENT = { DB_POOL_CONNECTION_TIMEOUT_MS: '30000' };

  /** Work that holds a connection each until it is told to end. */
  const hold = (api: TestApi, count: number) => {
    const told = Promise.withResolvers<void>();
    let [open, most] = [0, 0];
    const work = Promise.all(
      Array.from({ length: count }, () =>
        api.deps.db.acrossTenants(async () => {
          most = Math.max(most, ++open);
          await told.promise;
          open--;
        }),
      ),
    );
    const end = async (): Promise<number> => {
      told.resolve();
      await work;
      return most;
    };
    return { areHeld: (atLeast: number) => until('connections are held', () => open >= atLeast), end };
  };

  it('Pool follows its four settings', async () => {
    const api = await startApi({ env: { ...PATIENT, DB_POOL_MAX: '4' } });
    const held = hold(api, 8);
    await held.areHeld(4);
    // One that is begun now is made and used, so a fifth of the pool's would have been.
    const open = await api.sql(
      `select pid from pg_stat_activity where datname = $1 and state = 'idle in transaction'
       and application_name = 'sentryagent-api'`,
      [api.database],
    );
    expect(open).toHaveLength(4);
    expect(await held.end()).toBe(4);
    await api.close();
  });

  it('Exhausted pool answers 503 in time', async () => {
    // A process that gives up so soon may be too slow for a sign-up on a busy machine.
    const calm = await startApi();
    const token = await (await registerAgent(calm, await signUp(calm))).token();
    const env = { DB_POOL_MAX: '1', DB_POOL_CONNECTION_TIMEOUT_MS: '300' };
    const api = await startApi({ env, database: calm.database });
    const held = hold(api, 1);
    await held.areHeld(1);
    const reply = await use(api, token);
    expect([reply.status, reply.body.code]).toEqual([503, 'service_unavailable']);
    expect(reply.headers.get('retry-after')).toBe('1');
    await held.end();
    await api.close();
    await calm.close();
  });

  it('Exhausted pool serves once freed', async () => {
    const api = await startApi({ env: { ...PATIENT, DB_POOL_MAX: '1' } });
    const token = await (await registerAgent(api, await signUp(api))).token();
    const { db, tokenFeed } = api.deps;
    const [asked, withTenant] = [Promise.withResolvers<void>(), db.withTenant];
    db.withTenant = (...parameters) => {
      asked.resolve();
      return withTenant(...parameters);
    };
    await holdTime(async () => {
      await tokenFeed.refresh();
      const held = hold(api, 1);
      await held.areHeld(1);
      const reply = use(api, token);
      let isAnswered = false;
      void reply.then(() => (isAnswered = true));
      await asked.promise;
      // It has no connection to be answered with, however long it may have taken.
      await api.sql('select pg_sleep(0.5)');
      expect(isAnswered).toBe(false);
      await held.end();
      expect((await reply).status).toBe(200);
    });
    await api.close();
  });
});

it('Health shows status version uptime and services', async () => {
  const api = await startApi();
  // Who answers late on a busy machine is told as slow, until the next look.
  await until('all is well', async () => (await call(api, '/health')).body.status === 'ok');
  const { status, body } = await call(api, '/health');
  expect(status).toBe(200);
  expect(body).toEqual({
    status: 'ok',
    version: '0.0.0-test',
    uptime: expect.any(Number),
    services: { database: 'connected', redis: 'connected', temporal: 'disabled' },
  });
  await api.close();
  const alone = await startApi({ env: { REDIS_URL: '' } });
  await until('all is well without', async () => (await call(alone, '/health')).body.status === 'ok');
  expect((await call(alone, '/health')).body).toMatchObject({ services: { redis: 'disabled' } });
  await alone.close();
});
