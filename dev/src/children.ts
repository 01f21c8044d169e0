import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Environment } from './config.ts';
import { forgetChild, noteChild } from './pid-file.ts';
import { signal } from './process-identity.ts';

/** After this time a child gets SIGKILL. */
const STOP_MS = 5_000;
const LAST_LINES = 15;

export interface Command {
  /** Also the name of its log file. */
  name: string;
  argv: string[];
  /** Added to the launcher's environment. `undefined` removes a variable. */
  env?: Environment;
  cwd?: string;
  account?: { uid: number; gid: number } | undefined;
  stopSignal?: NodeJS.Signals;
  timeoutMs?: number;
}

export interface Children {
  /** Starts a program that runs until `stopAll`. */
  serve(command: Command): void;
  /** Runs a program until it exits. If it fails, the error has the last lines of its log. */
  run(command: Command): Promise<void>;
  /** Stops all programs, the newest first. No program can start after this. */
  stopAll(): Promise<void>;
  /** Resolves with the reason if a served program exits before `stopAll`. */
  died: Promise<string>;
}

interface Child {
  pid: number | undefined;
  stopSignal: NodeJS.Signals;
  /** How it exited. Empty: exit code 0. */
  ended: Promise<string>;
}

const lastWords = (log: string): string =>
  readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-LAST_LINES)
    .map((line) => `    ${line}`)
    .join('\n');

/** Opens a new log and renames the previous one to `<name>.previous.log`. */
const openLog = (folder: string, name: string): { log: string; fd: number } => {
  mkdirSync(folder, { recursive: true });
  const log = join(folder, `${name}.log`);
  if (existsSync(log)) renameSync(log, join(folder, `${name}.previous.log`));
  return { log, fd: openSync(log, 'a', 0o600) };
};

const stop = async ({ pid, stopSignal, ended }: Child): Promise<void> => {
  if (pid === undefined) return;
  // Signals the whole group, except for Postgres: SIGINT means something else to the server's child processes.
  signal(stopSignal === 'SIGINT' ? pid : -pid, stopSignal);
  await Promise.race([ended, wait(STOP_MS, undefined, { ref: false })]);
  signal(-pid, 'SIGKILL');
  await ended;
};

/** Each child leads its own process group, so that Ctrl-C reaches only the launcher and it stops them in order. */
export const createChildren = (place: { dataDir: string; root: string; env: Environment }): Children => {
  const { dataDir, root } = place;
  const alive = new Set<Child>();
  let stopping = false;
  let reportDeath: (reason: string) => void;
  const died = new Promise<string>((resolve) => (reportDeath = resolve));

  const begin = (command: Command): Child & { log: string } => {
    if (stopping) throw new Error('SentryAgent is stopping.');
    const { name, argv, env, cwd = root, account, stopSignal = 'SIGTERM' } = command;
    const { log, fd } = openLog(join(dataDir, 'logs'), name);
    const [program = '', ...args] = argv;
    const child = spawn(program, args, {
      cwd,
      env: { ...place.env, SENTRYAGENT_DATA_DIR: dataDir, ...env },
      ...account,
      detached: true,
      stdio: ['ignore', fd, fd],
    });
    closeSync(fd);
    const ended = new Promise<string>((resolve) => {
      child.on('error', (error) => resolve(error.message));
      child.on('exit', (code, by) => resolve(code === 0 ? '' : by ? `signal ${by}` : `exit code ${code}`));
    });
    const entry = { pid: child.pid, stopSignal, ended, log };
    alive.add(entry);
    if (child.pid) noteChild(dataDir, name, child.pid, stopSignal);
    void ended.then(() => {
      alive.delete(entry);
      if (child.pid) forgetChild(dataDir, child.pid);
    });
    return entry;
  };

  const describe = (name: string, how: string, log: string): string =>
    `${name} exited unexpectedly (${how || 'exit code 0'}). The last lines of its log, ${relative(root, log)}:\n${lastWords(log)}`;

  return {
    died,
    serve(command) {
      const { ended, log } = begin(command);
      void ended.then((how) => stopping || reportDeath(describe(command.name, how, log)));
    },
    async run(command) {
      const child = begin(command);
      const late = command.timeoutMs
        ? wait(command.timeoutMs, 'took too long', { ref: false })
        : new Promise<never>(() => {});
      const how = await Promise.race([child.ended, late]);
      if (how === 'took too long') await stop(child);
      if (how) throw new Error(describe(command.name, how, child.log));
    },
    async stopAll() {
      stopping = true;
      for (const child of [...alive].toReversed()) await stop(child);
    },
  };
};
