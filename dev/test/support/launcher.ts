import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '@sentryagent/sdk';
import type { Client } from '@sentryagent/sdk';
import { parseConfig } from '../../src/config.ts';
import { freePort } from '../../src/ports.ts';
import { startOf } from '../../src/process-identity.ts';

const root = new URL('../../../', import.meta.url).pathname;

export interface Demo {
  apiUrl: string;
  dashboardUrl: string;
  temporalUiUrl: string | null;
  stripeUrl: string | null;
  mailUrl: string | null;
  email: string;
  password: string;
  tenantId: string;
  clientId: string;
  clientSecret: string;
}

/** A data folder that the test run deletes, with every process in it, whatever becomes of the test. */
export const createDataDir = (): string => {
  const parent = process.env.SENTRYAGENT_DATA_DIR ?? join(tmpdir(), 'sentryagent-test');
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, 'launcher-'));
};

export const readDemo = (dataDir: string): Demo =>
  JSON.parse(readFileSync(join(dataDir, 'demo.json'), 'utf8')) as Demo;

export interface Running {
  pid: number;
  output(): string;
  /** Resolves with the exit code; null after a signal. */
  exited: Promise<number | null>;
  /** To the launcher's whole process group, as a terminal does. */
  interrupt(): void;
  /** To the process that was started alone, as a supervisor or `kill` does. */
  kill(signal: NodeJS.Signals): void;
}

/** Runs the launcher as a person does, by npm or without, and without what this test run has set for itself. */
export const runLauncher = (
  dataDir: string,
  settings: Record<string, string> = {},
  args: string[] = [],
  by: 'node' | 'npm' = 'node',
): Running => {
  const own =
    /^(NODE_ENV|VITEST.*|TEST_.*|TEMPORAL_.*|STRIPE_.*|.+_PORT|(DATABASE|APP_DATABASE|REDIS|SMTP)_URL)$/;
  const inherited = Object.entries(process.env).filter(([name]) => !own.test(name));
  const [program, ...words] = by === 'npm' ? ['npm', 'start', '--'] : [process.execPath, 'dev/start.mjs'];
  const child = spawn(program!, [...words, ...args], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), SENTRYAGENT_DATA_DIR: dataDir, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += String(data)));
  return {
    pid: child.pid!,
    output: () => text,
    exited: new Promise((resolve) => child.on('close', resolve)),
    interrupt: () => void process.kill(-child.pid!, 'SIGINT'),
    kill: (signal) => void child.kill(signal),
  };
};

/** Runs the launcher until everything is up. */
export const bringUp = async (...parameters: Parameters<typeof runLauncher>): Promise<Running> => {
  const running = runLauncher(...parameters);
  let ended = false;
  void running.exited.then(() => (ended = true));
  while (!running.output().includes('Ctrl-C to stop everything')) {
    if (ended) throw new Error(`the launcher did not come up:\n${running.output()}`);
    await wait(50);
  }
  return running;
};

export interface Process {
  name: string;
  pid: number;
  start: string;
}

/** The children of the launcher that works in this folder. */
export const childrenIn = (dataDir: string): Process[] =>
  (JSON.parse(readFileSync(join(dataDir, 'pids.json'), 'utf8')) as { children: Process[] }).children;

export const isAlive = ({ pid, start }: Process): boolean => startOf(pid) === start;

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** Every process of this machine that carries the folder in its environment or command line (Linux). */
export const processesOf = (dataDir: string): string[] => {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) =>
    ['environ', 'cmdline'].some((file) => textOf(`/proc/${pid}/${file}`).includes(dataDir)),
  );
};

/** A start may wait for a build of the dashboard. */
export const LONG = 240_000;

/** Free ports for a launcher. */
export const ports = async (): Promise<Record<string, string>> => {
  const names = Object.keys(parseConfig({}).config.portsToTake);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, String(await freePort())] as const)),
  );
};

/** A client with the demo agent's token. */
export const asDemoAgent = async (dataDir: string): Promise<Client> => {
  const { apiUrl: baseUrl, clientId, clientSecret } = readDemo(dataDir);
  const token = await createClient({ baseUrl }).tokens.issue({ clientId, clientSecret });
  return createClient({ baseUrl, headers: { authorization: `Bearer ${token.access_token}` } });
};

export const agentNames = async (dataDir: string): Promise<string[]> =>
  (await (await asDemoAgent(dataDir)).agents.list()).data.map(({ name }) => name);

/** Ctrl-C; answers the exit code. */
export const stop = async (running: Running): Promise<number | null> => {
  running.interrupt();
  return running.exited;
};
