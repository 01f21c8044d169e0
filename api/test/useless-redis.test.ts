import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IMPATIENT, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { startRedisServer } from './support/redis-server.ts';
import type { RedisServer } from './support/redis-server.ts';
import { createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { until } from '../../dev/test/support/until.ts';

vi.setConfig({ testTimeout: 180_000 });

const LIMIT = 20;

let servers: RedisServer[];
let old: RedisServer;
let proxy: Proxy;
let apis: [TestApi, TestApi];
beforeEach(async () => {
  old = await startRedisServer();
  servers = [old];
  proxy = await startProxy(old.url);
  const database = await createTestDatabase();
  const env = {
    ...IMPATIENT,
    RATE_LIMIT_WINDOW_MS: '600000',
    RATE_LIMIT_MAX_REQUESTS: String(LIMIT),
    REDIS_URL: proxy.url,
    BILLING_ENABLED: 'false',
  };
  apis = [await startApi({ env, database }), await startApi({ env, database })];
  await expectShared();
});
afterEach(async () => {
  old.thaw();
  for (const api of apis) await api.close();
  await proxy.close();
  for (const server of servers) await server.close();
  await dropTestDatabase(apis[0].database);
});

const startAnother = async (): Promise<RedisServer> => {
  const server = await startRedisServer();
  servers.push(server);
  return server;
};

/** How many calls of a new agent, so many to the one process and then to the other, are let through; none may fail. */
const countServed = async (calls: [first: number, second: number]): Promise<number> => {
  const agent = await registerAgent(apis[0], await signUp(apis[0]));
  const headers = { authorization: `Bearer ${await agent.token()}` };
  let served = 0;
  for (const [place, count] of calls.entries()) {
    for (let i = 0; i < count; i++) {
      const { status } = await call(apis[place]!, '/agents', { headers });
      expect([200, 429]).toContain(status);
      if (status === 200) served += 1;
    }
  }
  return served;
};

const redisOf = async (api: TestApi): Promise<[status: unknown, redis: unknown]> => {
  const { status, body } = await call(api, '/health');
  expect(status).toBe(200);
  return [body.status, (body.services as Record<string, unknown>).redis];
};

/** In both processes. */
const healthBecomes = (status: string, redis: string): Promise<void> =>
  until(`redis is told as ${redis}`, async () => {
    for (const api of apis) expect(await redisOf(api)).toEqual([status, redis]);
    return true;
  });

const SILENT = /did not answer|time/i;

/** Whoever calls is served, before this is found out and after; the cause is told. */
const expectReported = async (redis: string, cause: RegExp): Promise<void> => {
  expect(await countServed([3, 3])).toBe(6);
  await healthBecomes('degraded', redis);
  await until('the cause is told', () => cause.test(String(apis[0].deps.meter.redisState().cause)));
  expect(await countServed([3, 3])).toBe(6);
};

/** One count, in a Redis that takes writes: in memory, each process would let half of the limit through. */
const expectShared = async (): Promise<void> => {
  await until('limits are shared', async () => (await countServed([LIMIT, 2])) === LIMIT);
  await healthBecomes('ok', 'connected');
};

/** The ids of the connections to a server, but for the one that asks. */
const clientsOf = async (server: RedisServer): Promise<string[]> => {
  const list = String(await server.call('CLIENT', 'LIST', 'TYPE', 'normal'));
  const others = list.split('\n').filter((line) => line.startsWith('id=') && !line.includes('cmd=client'));
  return others.map((line) => line.split(' ')[0]!);
};

interface Fault {
  broken: () => Promise<unknown>;
  says: RegExp;
  mended: () => Promise<unknown>;
}

describe('A Redis that refuses its work is replaced', () => {
  const breakIt: Record<string, Fault> = {
    'a read-only replica, until it is promoted': {
      broken: async () => old.call('REPLICAOF', '127.0.0.1', String((await startAnother()).port)),
      says: /READONLY/,
      mended: () => old.call('REPLICAOF', 'NO', 'ONE'),
    },
    'a replica that has lost its primary': {
      broken: async () => {
        await old.call('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
        await old.call('REPLICAOF', '127.0.0.1', '1');
      },
      says: /MASTERDOWN/,
      mended: () => old.call('REPLICAOF', 'NO', 'ONE'),
    },
    'one that cannot save': {
      broken: async () => {
        const folder = join(old.folder, 'gone');
        mkdirSync(folder);
        await old.call('CONFIG', 'SET', 'dir', folder);
        await old.call('CONFIG', 'SET', 'save', '3600 1');
        rmdirSync(folder);
        await old.call('BGSAVE');
      },
      says: /MISCONF/,
      mended: () => old.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no'),
    },
    'one that is out of memory': {
      broken: () => old.call('CONFIG', 'SET', 'maxmemory', '1'),
      says: /OOM/,
      mended: () => old.call('CONFIG', 'SET', 'maxmemory', '0'),
    },
  };

  it.each(Object.entries(breakIt))('%s', async (_name, { broken, says, mended }) => {
    await broken();
    await expectReported('degraded', says);
    await mended();
    await expectShared();
  });

  it('one that asks for a password since', async () => {
    await old.call('CONFIG', 'SET', 'requirepass', 'secret');
    await proxy.cut();
    await proxy.mend();
    await expectReported('degraded', /NOAUTH/);
    proxy.lead((await startAnother()).url);
    await expectShared();
  });

  it('one that loads its data', async () => {
    // It looks at its clients once in 2 MB: some six times a second, for ten seconds.
    await old.call('DEBUG', 'POPULATE', '400000', 'key', '300');
    await old.call('CONFIG', 'SET', 'rdbcompression', 'no');
    await old.call('CONFIG', 'SET', 'key-load-delay', '25');
    const loaded = old.call('DEBUG', 'RELOAD').catch(() => {});
    await expectReported('degraded', /LOADING/);
    proxy.lead((await startAnother()).url);
    await expectShared();
    await old.close();
    servers.shift();
    await loaded;
  });
});

describe('A failed-over Redis is used again without a restart', () => {
  it('while the old one has become a replica, whose connections stay', async () => {
    const next = await startAnother();
    await old.call('REPLICAOF', '127.0.0.1', String(next.port));
    proxy.lead(next.url);
    await expectShared();
    await until('nobody is left at the old one', async () => (await clientsOf(old)).length === 0);
  });

  it('while the old one is frozen', async () => {
    old.freeze();
    await expectReported('disconnected', SILENT);
    proxy.lead((await startAnother()).url);
    await expectShared();
  });
});

it('A frozen Redis is reported and comes back', async () => {
  old.freeze();
  await expectReported('disconnected', SILENT);
  old.thaw();
  await expectShared();
});

it('A half-open connection to Redis is replaced', async () => {
  const before = await clientsOf(old);
  proxy.strand();
  expect(await countServed([5, 5])).toBe(10);
  await until('other connections are there', async () => {
    const now = await clientsOf(old);
    return now.length >= 2 && !now.some((id) => before.includes(id));
  });
  await expectShared();
});

it('No log line has the password of Redis', async () => {
  const password = 'canary-of-the-password';
  await old.call('CONFIG', 'SET', 'requirepass', password);
  const url = new URL(old.url);
  url.password = password;
  const api = await startApi({ env: { REDIS_URL: url.toString(), BILLING_ENABLED: 'false' } });
  const { redis, meter } = api.deps;
  await redis!.call('CONFIG', 'SET', 'requirepass', 'another');
  await redis!.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no');
  await until('it is refused', () => /WRONGPASS/.test(String(meter.redisState().cause)));
  await until('that is logged', () => JSON.stringify(api.logs).includes('WRONGPASS'));
  await api.close();
  expect(JSON.stringify(api.logs)).not.toContain(password);
});
