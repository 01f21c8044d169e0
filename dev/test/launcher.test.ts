import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createClient } from '@sentryagent/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFree } from '../src/ports.ts';
import { until } from './support/until.ts';
import {
  LONG,
  agentNames,
  asDemoAgent,
  bringUp,
  childrenIn,
  createDataDir,
  isAlive,
  ports,
  processesOf,
  readDemo,
  runLauncher,
  stop,
} from './support/launcher.ts';
import type { Demo, Running } from './support/launcher.ts';
import { leaveTraces, traces } from './support/traces.ts';

/** In the order of their start. */
const SERVERS = ['postgres', 'redis', 'temporal', 'mail', 'stripe', 'api', 'worker', 'dashboard'];

describe('npm start', { timeout: LONG }, () => {
  const dataDir = createDataDir();
  let settings: Record<string, string>;
  let running: Running;

  beforeAll(async () => {
    settings = await ports();
    running = await bringUp(dataDir, settings);
  }, LONG);
  afterAll(() => stop(running).catch(() => null), LONG);

  it('A fresh checkout starts', async () => {
    const output = running.output();
    for (const part of [...SERVERS, 'migrate', 'stripe setup', 'demo']) {
      expect(output).toMatch(new RegExp(`✓ ${part} +\\d+\\.\\d s`));
    }
    const { email, password, clientId, clientSecret, apiUrl, ...demo } = readDemo(dataDir);
    const pages = [demo.dashboardUrl, demo.temporalUiUrl, demo.stripeUrl, demo.mailUrl];
    for (const text of [apiUrl, ...pages, `${email}  ${password}`]) expect(output).toContain(text);
    expect(output).toContain(
      `curl -u ${clientId}:${clientSecret} -d grant_type=client_credentials ${apiUrl}/oauth2/token`,
    );
    expect(output).toContain('npm run stripe:advance -- --days 25\n');
    const headers = { accept: 'text/html' };
    for (const page of pages) expect((await fetch(page!, { headers })).status).toBe(200);
  });

  it('The printed command gets a token', async () => {
    const [, command] = /^ +(curl .+)$/m.exec(running.output())!;
    const { stdout } = await promisify(execFile)('bash', ['-c', `${command} -sS`]);
    expect(JSON.parse(stdout)).toMatchObject({ token_type: 'Bearer', expires_in: 900 });
  });

  const operate = (command: string, args: string[], env: Record<string, string> = {}) =>
    promisify(execFile)('npm', ['run', '-s', command, '--', ...args], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      env: { PATH: process.env.PATH, SENTRYAGENT_DATA_DIR: dataDir, ...env },
    });

  it('Key commands use the platform that was started', async () => {
    expect(statSync(join(dataDir, 'operator.env')).mode & 0o777).toBe(0o600);
    const rotate = (args: string[], env?: Record<string, string>) => operate('keys:rotate', args, env);
    const { stdout } = await rotate(['--list']);
    expect(stdout).toMatch(/ current +since .* encrypted with k1\n/);
    const [next] = /^\S+(?=  next )/m.exec(stdout)!;
    expect((await rotate([])).stdout).toContain('The next key was published recently');
    expect((await rotate(['--emergency', next])).stdout).toContain(`${next} is removed\n`);
    expect((await operate('billing:events', ['--json'])).stdout).toBe('[]\n');
    expect((await operate('billing:reconcile', ['--dry-run'])).stdout).toMatch(
      /^Compared \d+ live subscriptions\./m,
    );
    // Settings of another platform are never completed with these.
    const mixed = rotate(['--list'], { APP_DATABASE_URL: 'postgres://other.invalid/other' });
    await expect(mixed).rejects.toMatchObject({ code: 78, stdout: '' });
  });

  it('The command for a lost second factor uses the platform that was started', async () => {
    const { email } = readDemo(dataDir);
    await expect(operate('two-factor:off', [email])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`no user with the address ${email} has two-factor sign-in`) as string,
    });
  });

  it('The command of the guide finds a tenant by email', async () => {
    const guide = readFileSync(new URL('../../docs/operators.md', import.meta.url), 'utf8');
    const [printed] = /^node --env-file-if-exists=.+?^await client\.end.+?$/ms.exec(guide)!;
    const { email, tenantId } = readDemo(dataDir);
    const command = printed.replace('.data/', `${dataDir}/`).replace('name@example.com', email);
    const { stdout } = await promisify(execFile)('bash', ['-c', command], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      env: { PATH: process.env.PATH },
    });
    expect(stdout).toMatch(new RegExp(`'${tenantId}' +│ 'owner'`));
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
    let cookie = '';
    const onResponse = (response: Response): void => {
      cookie = response.headers.getSetCookie()[0]!.split(';')[0]!;
    };
    await createClient({ baseUrl, headers: { origin }, onResponse }).auth.signIn({ email, password });
    const { user } = await createClient({ baseUrl, headers: { cookie } }).auth.session();
    expect(user).toMatchObject({ email, emailVerified: true });
    const { scope } = await createClient({ baseUrl }).tokens.issue({ clientId, clientSecret });
    expect(scope.split(' ')).toHaveLength(7);
  });

  it('refuses a second launcher in the same folder', async () => {
    const second = runLauncher(dataDir, await ports());
    expect(await second.exited).toBe(1);
    expect(second.output()).toContain(`kill ${running.pid}`);
    expect(childrenIn(dataDir).filter(isAlive)).toHaveLength(SERVERS.length);
  });

  const expectKept = async (before: Demo): Promise<void> => {
    expect(readDemo(dataDir)).toEqual(before);
    expect(await agentNames(dataDir)).toContain('kept');
    expect(await traces(dataDir, settings)).toEqual(['workflow', 'customer', 'mail']);
  };

  /** A supervisor, or `kill`, knows npm's process alone; a shell between the two would keep the signal to itself. */
  const expectNpmEndsAll = async (signal: NodeJS.Signals): Promise<void> => {
    running.kill(signal);
    expect(await running.exited).toBe(0);
    expect(running.output()).toContain('Stopped. Your data is in ');
    if (process.platform === 'linux') expect(processesOf(dataDir)).toEqual([]);
  };

  it('A killed launcher blocks no start', async () => {
    await (await asDemoAgent(dataDir)).agents.register({ name: 'kept' });
    await leaveTraces(dataDir, settings);
    expect(await traces(dataDir, settings)).toEqual(['workflow', 'customer', 'mail']);
    const [before, children] = [readDemo(dataDir), childrenIn(dataDir)];
    process.kill(running.pid, 'SIGKILL');
    expect(await running.exited).toBe(null);
    expect(children.filter(isAlive)).toEqual(children);

    running = await bringUp(dataDir, settings, [], 'npm');
    expect(children.filter(isAlive)).toEqual([]);
    await expectKept(before);
  });

  it('A SIGTERM to npm alone ends everything, and npm ends well', () => expectNpmEndsAll('SIGTERM'));

  it('A second start keeps the data', async () => {
    const before = readDemo(dataDir);
    running = await bringUp(dataDir, settings);
    await expectKept(before);
  });

  it('says which part died, shows the end of its log, and ends the others', async () => {
    const children = childrenIn(dataDir);
    process.kill(children.find(({ name }) => name === 'api')!.pid, 'SIGKILL');
    expect(await running.exited).toBe(1);
    expect(running.output()).toMatch(/api exited unexpectedly \(signal SIGKILL\).*api\.log:\n {4}\{/);
    expect(children.filter(isAlive)).toEqual([]);
  });

  it('deletes the data when it is told to reset', async () => {
    const before = readDemo(dataDir);
    running = await bringUp(dataDir, settings, ['--reset']);
    expect(readDemo(dataDir).tenantId).not.toBe(before.tenantId);
    expect(await agentNames(dataDir)).toEqual(['demo-agent']);
    expect(await traces(dataDir, settings)).toEqual([]);
  });

  it('Stopping leaves no process behind', async () => {
    const children = childrenIn(dataDir);
    expect(children.map(({ name }) => name)).toEqual(SERVERS);
    running.interrupt();
    running.interrupt();
    expect(await running.exited).toBe(0);
    expect(running.output()).toContain('Stopped. Your data is in ');
    expect(children.filter(isAlive)).toEqual([]);
    if (process.platform === 'linux') expect(processesOf(dataDir)).toEqual([]);
    for (const port of Object.values(settings)) expect(await isFree(Number(port))).toBe(true);
  });

  it('A SIGINT to npm alone ends a start under way, and npm ends well', async () => {
    running = runLauncher(dataDir, settings, [], 'npm');
    await until('Postgres runs', () => Promise.resolve(running.output().includes('✓ postgres')));
    await expectNpmEndsAll('SIGINT');
  });
});
