import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { createChildren } from '../src/children.ts';
import type { Children } from '../src/children.ts';
import { parseConfig } from '../src/config.ts';
import { redis } from '../src/parts/redis.ts';
import { release } from '../src/pid-file.ts';
import { startPostgres } from '../src/postgres-server.ts';
import { freePort } from '../src/ports.ts';
import { readSecrets } from '../src/secrets.ts';
import { startTestPostgres, startTestRedis } from '../src/test-servers.ts';
import type { Place } from '../src/test-servers.ts';
import { createDataDir } from './support/launcher.ts';

const LONG = 120_000;
const { config } = parseConfig({ PATH: process.env.PATH });
const started: Children[] = [];

const createPlace = (dataDir = createDataDir()): Place => {
  const children = createChildren({ ...config, dataDir });
  started.push(children);
  return { config, children, dataDir, say: () => {} };
};

const version = async (url: string): Promise<string> => {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('show server_version');
  await client.end();
  return rows[0]!.server_version;
};

afterAll(async () => {
  for (const children of started) await children.stopAll();
}, LONG);

describe('the servers of the tests', { timeout: LONG }, () => {
  it('Two test runs do not collide', async () => {
    const places = [createPlace(), createPlace()];
    const urls = await Promise.all(
      places.flatMap((place) => [startTestPostgres(place), startTestRedis(place)]),
    );
    expect(new Set(urls.map((url) => new URL(url).port)).size).toBe(4);
    for (const url of [urls[0]!, urls[2]!]) expect(await version(url)).toMatch(/^18/);
  });

  it('must be had: without Redis there are no tests', async () => {
    const place = createPlace();
    const bare = { ...config, cacheDir: place.dataDir, searchPath: '' };
    await expect(startTestRedis({ ...place, config: bare })).rejects.toThrow(/need a Redis.*Install it by/s);
  });
});

describe('redis', () => {
  it('A missing Redis does not stop the start', async () => {
    const { children, dataDir } = createPlace();
    const bare = { ...config, dataDir, cacheDir: dataDir, searchPath: '' };
    const progress = { detail: () => {} };
    const secrets = readSecrets(dataDir);
    const result = await redis.start({ config: bare, children, secrets, watch: false, found: {}, progress });
    expect(result.found).toBeUndefined();
    expect(result.note).toMatch(/limits are kept in memory.*(apt-get|brew) install.*REDIS_URL/);
  });
});

describe('postgres', { timeout: LONG }, () => {
  const settings = { password: 'only-for-tests', durable: false };

  it('ends a server that a killed launcher left on the same data, though nothing else tells of it', async () => {
    const first = createPlace();
    await startPostgres({ ...first, ...settings, port: await freePort() });
    release(first.dataDir);
    const second = createPlace(first.dataDir);
    const url = await startPostgres({ ...second, ...settings, port: await freePort() });
    expect(await first.children.died).toMatch(/^postgres ended by itself/);
    expect(await version(url)).toMatch(/^18/);
  });

  it('starts though its lock file names a living process that is something else', async () => {
    const first = createPlace();
    await startPostgres({ ...first, ...settings, port: await freePort() });
    await first.children.stopAll();
    writeFileSync(join(first.dataDir, 'postgres/postmaster.pid'), `${process.pid}\n`);
    const second = createPlace(first.dataDir);
    const url = await startPostgres({ ...second, ...settings, port: await freePort() });
    expect(await version(url)).toMatch(/^18/);
  });

  it('begins anew what an interrupted start has left half done', async () => {
    const place = createPlace();
    mkdirSync(join(place.dataDir, 'postgres.new/base'), { recursive: true });
    await startPostgres({ ...place, ...settings, port: await freePort() });
  });

  it('says so when the password file was lost', async () => {
    const first = createPlace();
    await startPostgres({ ...first, ...settings, port: await freePort() });
    await first.children.stopAll();
    rmSync(join(first.dataDir, 'secrets.env'), { force: true });
    const second = createPlace(first.dataDir);
    const again = startPostgres({ ...second, ...settings, password: 'another', port: await freePort() });
    await expect(again).rejects.toThrow(/--reset/);
  });
});
