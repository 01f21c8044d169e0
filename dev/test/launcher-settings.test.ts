import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../src/ports.ts';
import { ensureDatabase } from '../src/postgres-server.ts';
import { startTemporal } from '../src/temporal-server.ts';
import {
  LONG,
  agentNames,
  bringUp,
  childrenIn,
  createDataDir,
  ports,
  processesOf,
  readDemo,
  runLauncher,
  stop,
} from './support/launcher.ts';
import { createPlace } from './support/place.ts';

describe('npm start with parts of the caller', { timeout: LONG }, () => {
  const given = async (name: string): Promise<string> =>
    ensureDatabase(process.env.TEST_DATABASE_URL!, `${name}_${process.pid}`);

  it('A given database is used', async () => {
    const dataDir = createDataDir();
    const DATABASE_URL = await given('given');
    const place = createPlace();
    const program = process.env.TEST_TEMPORAL_PROGRAM!;
    const yours = {
      DATABASE_URL,
      REDIS_URL: process.env.TEST_REDIS_URL!,
      TEMPORAL_ADDRESS: await startTemporal({
        program,
        ...place,
        port: await freePort(),
        uiPort: await freePort(),
      }),
      SMTP_URL: 'smtp://127.0.0.1:25',
    };
    const running = await bringUp(dataDir, { ...(await ports()), ...yours });
    for (const name of Object.keys(yours)) expect(running.output()).toContain(`yours (${name})`);
    expect(childrenIn(dataDir).map(({ name }) => name)).toEqual(['stripe', 'api', 'worker', 'dashboard']);
    expect(readDemo(dataDir)).toMatchObject({ temporalUiUrl: null, mailUrl: null });
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
    expect(await agentNames(dataDir)).toEqual(['demo-agent']);
    expect(await stop(running)).toBe(0);
    await place.children.stopAll();
  });

  it('names a Temporal that is not there', async () => {
    const TEMPORAL_ADDRESS = `127.0.0.1:${await freePort()}`;
    const { TEST_DATABASE_URL: DATABASE_URL = '', TEST_REDIS_URL: REDIS_URL = '' } = process.env;
    const yours = { DATABASE_URL, REDIS_URL, TEMPORAL_ADDRESS };
    const running = runLauncher(createDataDir(), { ...(await ports()), ...yours });
    expect(await running.exited).toBe(1);
    expect(running.output()).toContain('Cannot connect to the Temporal server of TEMPORAL_ADDRESS');
  });

  it('names a Stripe key that does not work', async () => {
    const yours = { DATABASE_URL: await given('stripe'), REDIS_URL: process.env.TEST_REDIS_URL! };
    const settings = { ...(await ports()), ...yours, STRIPE_SECRET_KEY: 'sk_test_canary' };
    const running = runLauncher(createDataDir(), settings);
    expect(await running.exited).toBe(1);
    expect(running.output()).toMatch(/✓ stripe .*yours \(STRIPE_SECRET_KEY\)/);
    expect(running.output()).toContain('in the account of your STRIPE_SECRET_KEY failed');
    expect(running.output()).not.toContain('canary');
  });

  it('A part that stays down is named', async () => {
    const dataDir = createDataDir();
    const DATABASE_URL = await given('down');
    const app = new URL(DATABASE_URL);
    [app.username, app.password, app.port] = ['app_login', 'unused', String(await freePort())];
    const settings = { ...(await ports()), DATABASE_URL, APP_DATABASE_URL: app.toString() };
    const running = runLauncher(dataDir, settings);
    expect(await running.exited).toBe(1);
    expect(running.output()).toMatch(/✗ api .*failed to start/);
    expect(running.output()).toMatch(/api exited unexpectedly .*logs\/api\.log/);
    expect(running.output()).not.toContain('unused');
    if (process.platform === 'linux') expect(processesOf(dataDir)).toEqual([]);
  });

  it('A taken port is named', async () => {
    const dataDir = createDataDir();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const settings = await ports();
    const taken = String((other.address() as { port: number }).port);
    const running = runLauncher(dataDir, { ...settings, API_PORT: taken });
    expect(await running.exited).toBe(1);
    expect(running.output()).toContain(`Port ${taken} (API) is in use`);
    expect(running.output()).toContain('API_PORT=');
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
    other.close();
  });
});

describe('npm start refuses', { timeout: LONG }, () => {
  it('an unknown flag, with its usage and exit code 2', async () => {
    const running = runLauncher(createDataDir(), {}, ['--rest']);
    expect(await running.exited).toBe(2);
    expect(running.output()).toContain('Usage: npm start');
  });

  it('wrong settings, all at once, without a value, with exit code 78', async () => {
    const running = runLauncher(createDataDir(), {
      API_PORT: 'lots',
      DATABASE_URL: 'mysql://me:secret@host',
    });
    expect(await running.exited).toBe(78);
    expect(running.output()).toMatch(/API_PORT must be.*\n.*DATABASE_URL must be/);
    expect(running.output()).not.toContain('secret');
  });

  it('to reset a folder that it did not make', async () => {
    const dataDir = createDataDir();
    writeFileSync(join(dataDir, 'letter.txt'), 'not ours');
    const running = runLauncher(dataDir, await ports(), ['--reset']);
    expect(await running.exited).toBe(1);
    expect(existsSync(join(dataDir, 'letter.txt'))).toBe(true);
    expect(running.output()).toContain('Nothing was deleted');
  });
});
