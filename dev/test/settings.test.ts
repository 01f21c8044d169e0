import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../src/config.ts';
import { contentHash } from '../src/content-hash.ts';
import { findProgram } from '../src/find-program.ts';
import { parseFlags } from '../src/flags.ts';
import { freePort, keptPort, takenPorts } from '../src/ports.ts';
import { createProgress } from '../src/progress.ts';
import { parseEnvFile, readSecrets } from '../src/secrets.ts';
import { summarise, summaryLine } from '../src/test-summary.ts';
import { createDataDir } from './support/launcher.ts';

describe('flags', () => {
  it('are few, and none is guessed', () => {
    expect(parseFlags([])).toMatchObject({ reset: false, watch: false, help: false });
    expect(parseFlags(['--reset', '--watch'])).toMatchObject({ reset: true, watch: true });
    expect(parseFlags(['--rest'])).toBeUndefined();
    expect(parseFlags(['reset'])).toBeUndefined();
  });
});

describe('settings', () => {
  it('have defaults that fit each other', () => {
    const { config, problems } = parseConfig({ API_PORT: '4000', DASHBOARD_PORT: '' });
    expect(problems).toEqual([]);
    expect(config).toMatchObject({
      publicUrl: 'http://localhost:4000',
      dashboardUrl: 'http://localhost:3001',
      dataDir: join(config.root, '.data'),
    });
  });

  it('are judged all at once', () => {
    const { problems } = parseConfig({
      API_PORT: '3001',
      REDIS_URL: 'localhost',
      TEMPORAL_ADDRESS: 'http://localhost:7233',
      APP_DATABASE_URL: 'postgres://app@localhost/x',
    });
    expect(problems).toEqual([
      'TEMPORAL_ADDRESS must be host:port',
      'API_PORT and DASHBOARD_PORT must differ',
      'REDIS_URL must be a redis:// URL',
      'APP_DATABASE_URL needs DATABASE_URL: set it to the URL of the owner of the same database',
    ]);
  });

  it('take no port for what the caller brings', () => {
    const variables = (env: Record<string, string>) => Object.keys(parseConfig(env).config.portsToTake);
    const ours = ['API_PORT', 'DASHBOARD_PORT', 'METRICS_PORT', 'WORKER_METRICS_PORT'];
    const theirs = {
      TEMPORAL_ADDRESS: 'cloud:7233',
      STRIPE_SECRET_KEY: 'sk_test_x',
      SMTP_URL: 'smtp://mail',
    };
    expect(variables(theirs)).toEqual(ours);
    const places = ['TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'STRIPE_PORT', 'MAIL_PORT'];
    expect(variables({}).sort()).toEqual([...ours, ...places].sort());
    expect(parseConfig({ STRIPE_PORT: '3000' }).problems).toEqual(['API_PORT and STRIPE_PORT must differ']);
    expect(parseConfig({ ...theirs, STRIPE_PORT: '3000' }).problems).toEqual([]);
  });

  it.each(['0', '65536', '3.5', 'x', '-1'])('%s is no port', (port) => {
    expect(parseConfig({ API_PORT: port }).problems).toEqual(['API_PORT must be a port between 1 and 65535']);
  });
});

describe('secrets', () => {
  it('are made once, readable by their owner alone', () => {
    const dataDir = createDataDir();
    const first = readSecrets(dataDir);
    expect(readSecrets(dataDir)).toEqual(first);
    expect(statSync(join(dataDir, 'secrets.env')).mode & 0o777).toBe(0o600);
    expect(first.AUTH_SECRET.length).toBeGreaterThanOrEqual(32);
    expect(Buffer.from(first.KEY_ENCRYPTION_KEYS.replace('k1:', ''), 'base64')).toHaveLength(32);
    expect(Buffer.from(first.CLIENT_SECRET_PEPPERS.replace('p1:', ''), 'base64')).toHaveLength(32);
  });

  it('keep what a person added, and get what they lack', () => {
    const dataDir = createDataDir();
    writeFileSync(join(dataDir, 'secrets.env'), '# mine\nAUTH_SECRET=a=b=\nOTHER=1\n');
    expect(readSecrets(dataDir).AUTH_SECRET).toBe('a=b=');
    expect(parseEnvFile(readFileSync(join(dataDir, 'secrets.env'), 'utf8'))).toMatchObject({ OTHER: '1' });
  });
});

describe('ports', () => {
  it('that are taken are named with their variable', async () => {
    const { portsToTake } = parseConfig({}).config;
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port: taken } = other.address() as { port: number };
    for (const variable of Object.keys(portsToTake)) {
      const port = await keptPort(createDataDir(), 'x');
      expect(await takenPorts({ [variable]: port })).toEqual([]);
      const [problem] = await takenPorts({ [variable]: taken, OTHER: port });
      expect(problem).toMatch(
        new RegExp(`^Port ${taken} \\([^)]{3,}\\) is in use .* ${variable}=\\d+ npm start$`),
      );
      expect(problem).not.toContain('undefined');
    }
    other.close();
  });

  it('A suggested port is free and no other part’s', async () => {
    const hold = async (port: number) => {
      const server = createServer().listen(port, '127.0.0.1');
      await once(server, 'listening');
      return server;
    };
    const held = await Promise.all([20_233, 20_234, 21_235].map(hold));
    const wanted = { TEMPORAL_PORT: 20_233, API_PORT: 20_234, TEMPORAL_UI_PORT: 21_233 };
    const problems = await takenPorts(wanted);
    held.forEach((server) => server.close());
    expect(problems.map((problem) => /\w+=\d+/.exec(problem)?.[0])).toEqual([
      'TEMPORAL_PORT=21234',
      'API_PORT=21236',
    ]);
  });

  it('that were given out are given to nobody else, and the system gives them to no connection', async () => {
    const ports = await Promise.all(Array.from({ length: 100 }, freePort));
    expect(new Set(ports).size).toBe(100);
    for (const port of ports) expect(port).toBeLessThan(32_768);
  });

  it('stay the same over starts', async () => {
    const dataDir = createDataDir();
    const port = await keptPort(dataDir, 'postgres');
    expect(await keptPort(dataDir, 'postgres')).toBe(port);
    expect(await keptPort(dataDir, 'redis')).not.toBe(port);
  });
});

describe('the dashboard is built again', () => {
  it('when a file is changed, renamed or added', () => {
    const root = createDataDir();
    const hash = (): string => contentHash(root, ['**']);
    writeFileSync(join(root, 'a'), 'one');
    const first = hash();
    expect(hash()).toBe(first);
    writeFileSync(join(root, 'a'), 'two');
    expect(hash()).not.toBe(first);
    writeFileSync(join(root, 'a'), 'one');
    writeFileSync(join(root, 'b'), '');
    expect(hash()).not.toBe(first);
  });
});

describe('programs', () => {
  it('are executable files', () => {
    const folder = createDataDir();
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'text'), '', { mode: 0o644 });
    writeFileSync(join(folder, 'tool'), '', { mode: 0o755 });
    expect(findProgram(['folder', 'text', 'tool'], `/nowhere:${folder}`)).toBe(join(folder, 'tool'));
    expect(findProgram(['tool'], '')).toBeUndefined();
  });
});

describe('progress', () => {
  it('is plain lines where there is no terminal', () => {
    let text = '';
    const progress = createProgress({ write: (part) => (text += part) });
    progress.begin('api');
    progress.done();
    progress.begin('dashboard');
    progress.detail('building');
    progress.fail('failed to start');
    expect(text).toBe(
      '  ✓ api           0.0 s\n  … dashboard     0.0 s  building\n  ✗ dashboard     0.0 s  failed to start\n',
    );
  });
});

describe('the summary of a test run', () => {
  const file = (status: string, ...results: string[]) => ({
    status,
    assertionResults: results.map((result) => ({ status: result })),
  });

  it.each([
    ['all pass', { numPassedTests: 3, numFailedTests: 0, testResults: [file('passed', 'passed')] }, 0, 3, 0],
    ['one fails', { numPassedTests: 2, numFailedTests: 1, testResults: [file('failed', 'failed')] }, 1, 2, 1],
    [
      'a file does not load',
      { numPassedTests: 2, numFailedTests: 0, testResults: [file('failed')] },
      1,
      2,
      1,
    ],
    ['an error beside the tests', { numPassedTests: 2, numFailedTests: 0, testResults: [] }, 1, 2, 1],
    ['no report', undefined, 1, 0, 1],
  ])('%s', (_, report, exitCode, passed, failed) => {
    expect(summarise(report, exitCode)).toEqual({ passed, failed });
  });

  it('is one line', () => {
    expect(summaryLine({ passed: 3, failed: 0 })).toBe('3 passed, 0 failed\n');
  });
});
