import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@sentryagent/sdk';
import type { Client } from '@sentryagent/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, isFree } from '../src/ports.ts';
import { ensureDatabase } from '../src/postgres-server.ts';
import {
  bringUp,
  childrenIn,
  createDataDir,
  isAlive,
  processesOf,
  readDemo,
  runLauncher,
} from './support/launcher.ts';
import type { Running } from './support/launcher.ts';

const LONG = 240_000;

const ports = async (): Promise<{ API_PORT: string; DASHBOARD_PORT: string }> => ({
  API_PORT: String(await freePort()),
  DASHBOARD_PORT: String(await freePort()),
});

/** A client with the demo agent's token. */
const asDemoAgent = async (dataDir: string): Promise<Client> => {
  const { apiUrl: baseUrl, clientId, clientSecret } = readDemo(dataDir);
  const token = await createClient({ baseUrl }).tokens.issue({ clientId, clientSecret });
  return createClient({ baseUrl, headers: { authorization: `Bearer ${token.access_token}` } });
};

const agentNames = async (dataDir: string): Promise<string[]> =>
  (await (await asDemoAgent(dataDir)).agents.list()).data.map(({ name }) => name);

const stop = async (running: Running): Promise<number | null> => {
  running.interrupt();
  return running.exited;
};

describe('npm start', { timeout: LONG }, () => {
  const dataDir = createDataDir();
  let settings: { API_PORT: string; DASHBOARD_PORT: string };
  let running: Running;

  beforeAll(async () => {
    settings = await ports();
    running = await bringUp(dataDir, settings);
  }, LONG);
  afterAll(() => stop(running).catch(() => null), LONG);

  it('A fresh checkout starts', async () => {
    const output = running.output();
    for (const part of ['postgres', 'redis', 'migrate', 'api', 'dashboard', 'demo']) {
      expect(output).toMatch(new RegExp(`✓ ${part} +\\d+\\.\\d s`));
    }
    const { email, password, clientId, clientSecret, apiUrl, dashboardUrl } = readDemo(dataDir);
    for (const text of [apiUrl, dashboardUrl, `${email}  ${password}`]) expect(output).toContain(text);
    expect(output).toContain(
      `curl -u ${clientId}:${clientSecret} -d grant_type=client_credentials ${apiUrl}/oauth2/token`,
    );
    expect((await fetch(dashboardUrl)).status).toBe(200);
  });

  it('The demo can be signed in to', async () => {
    const file = join(dataDir, 'demo.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const demo = readDemo(dataDir);
    expect(Object.keys(demo)).toEqual([
      ...['apiUrl', 'dashboardUrl', 'temporalUiUrl', 'stripeUrl', 'mailUrl'],
      ...['email', 'password', 'tenantId', 'clientId', 'clientSecret'],
    ]);
    const { apiUrl: baseUrl, dashboardUrl: origin, email, password, clientId, clientSecret } = demo;
    const signedIn = await createClient({ baseUrl, headers: { origin } }).auth.signIn({ email, password });
    expect(signedIn.user.email).toBe(email);
    const { scope } = await createClient({ baseUrl }).tokens.issue({ clientId, clientSecret });
    expect(scope.split(' ')).toHaveLength(7);
  });

  it('refuses a second launcher in the same folder', async () => {
    const second = runLauncher(dataDir, await ports());
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(`kill ${running.pid}`);
    expect(childrenIn(dataDir).filter(isAlive)).toHaveLength(4);
  });

  it('Stopping leaves no process behind', async () => {
    const children = childrenIn(dataDir);
    expect(children.map(({ name }) => name)).toEqual(['postgres', 'redis', 'api', 'dashboard']);
    running.interrupt();
    running.interrupt();
    expect(await running.exited).toBe(0);
    expect(running.output()).toContain('Stopped. Your data is in ');
    expect(children.filter(isAlive)).toEqual([]);
    if (process.platform === 'linux') expect(processesOf(dataDir)).toEqual([]);
    for (const port of Object.values(settings)) expect(await isFree(Number(port))).toBe(true);
  });

  it('A second start keeps the data', async () => {
    running = await bringUp(dataDir, settings);
    const before = readDemo(dataDir);
    await (await asDemoAgent(dataDir)).agents.register({ name: 'kept' });
    expect(await stop(running)).toBe(0);

    running = await bringUp(dataDir, settings);
    expect(readDemo(dataDir)).toEqual(before);
    expect(await agentNames(dataDir)).toContain('kept');
  });

  it('A killed launcher blocks no start', async () => {
    const [before, children] = [readDemo(dataDir), childrenIn(dataDir)];
    process.kill(running.pid, 'SIGKILL');
    expect(await running.exited).toBe(null);
    expect(children.filter(isAlive)).toEqual(children);

    running = await bringUp(dataDir, settings);
    expect(children.filter(isAlive)).toEqual([]);
    expect(readDemo(dataDir)).toEqual(before);
    expect(await agentNames(dataDir)).toContain('kept');
  });

  it('says which part died, shows the end of its log, and ends the others', async () => {
    const children = childrenIn(dataDir);
    process.kill(children.find(({ name }) => name === 'api')!.pid, 'SIGKILL');
    expect(await running.exited).toBe(1);
    expect(running.output()).toMatch(/api ended by itself \(signal SIGKILL\).*api\.log:\n {4}\{/);
    expect(children.filter(isAlive)).toEqual([]);
  });

  it('deletes the data when it is told to reset', async () => {
    const before = readDemo(dataDir);
    running = await bringUp(dataDir, settings, ['--reset']);
    expect(readDemo(dataDir).tenantId).not.toBe(before.tenantId);
    expect(await agentNames(dataDir)).toEqual(['demo-agent']);
    expect(await stop(running)).toBe(0);
  });
});

describe('npm start with parts of the caller', { timeout: LONG }, () => {
  const given = async (name: string): Promise<string> =>
    ensureDatabase(process.env.TEST_DATABASE_URL!, `${name}_${process.pid}`);

  it('A given database is used', async () => {
    const dataDir = createDataDir();
    const DATABASE_URL = await given('given');
    const settings = { ...(await ports()), DATABASE_URL, REDIS_URL: process.env.TEST_REDIS_URL! };
    const running = await bringUp(dataDir, settings);
    expect(running.output()).toMatch(/postgres .*yours \(DATABASE_URL\)/);
    expect(childrenIn(dataDir).map(({ name }) => name)).toEqual(['api', 'dashboard']);
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
    expect(await agentNames(dataDir)).toEqual(['demo-agent']);
    expect(await stop(running)).toBe(0);
  });

  it('A part that stays down is named', async () => {
    const dataDir = createDataDir();
    const DATABASE_URL = await given('down');
    const app = new URL(DATABASE_URL);
    [app.username, app.password, app.port] = ['app_login', 'unused', String(await freePort())];
    const settings = { ...(await ports()), DATABASE_URL, APP_DATABASE_URL: app.toString() };
    const running = runLauncher(dataDir, settings);
    expect(await running.exited).toBe(1);
    expect(running.output()).toMatch(/✗ api .*did not come up/);
    expect(running.output()).toMatch(/api ended by itself .*logs\/api\.log/);
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
    expect(running.output()).toContain(`Port ${taken} (API) is taken`);
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
