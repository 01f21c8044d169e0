import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../dev/src/ports.ts';
import { until } from '../../dev/test/support/until.ts';
import { spawnApi, startApiProcess } from './support/api-process.ts';
import { startProxy } from './support/proxy.ts';
import { appUrl, createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { startSilence } from './support/silence.ts';

let database: string;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => dropTestDatabase(database));

type Line = Record<string, unknown>;

const closed = (output: string): unknown[] =>
  output
    .split('\n')
    .filter((line) => line.includes('a part could not be closed'))
    .map((line) => (JSON.parse(line) as Line).part);

it('An API that closes everything exits with 0', async () => {
  const api = await startApiProcess(database);
  expect(await api.end('SIGTERM')).toBe(0);
  expect(closed(api.output())).toEqual([]);
});

it('An API whose Postgres is silent exits all the same, and with 1', async () => {
  const proxy = await startProxy(appUrl(database));
  const api = await startApiProcess(database, { APP_DATABASE_URL: proxy.url });
  proxy.hang();
  proxy.strand();
  expect(await api.end('SIGTERM')).toBe(1);
  expect(closed(api.output())).toContain('last flush of usage');
  await proxy.close();
});

it('An API whose server does not close exits all the same, and with 1', async () => {
  const breakClose = `import { Server } from 'node:http'; Server.prototype.close = () => {};`;
  const api = await startApiProcess(database, {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(breakClose)}`,
  });
  expect(await api.end('SIGTERM')).toBe(1);
  expect(closed(api.output())).toEqual(['HTTP server']);
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'An API that is told to stop before it listens exits at once: %s',
  async (signal) => {
    const postgres = await startSilence();
    const child = spawnApi(database, await freePort(), { APP_DATABASE_URL: postgres.url });
    const ended = once(child, 'close');
    await until('the API asks Postgres', () => postgres.taken() > 0);
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
    postgres.close();
  },
);
