import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Config, Environment } from './config.ts';
import { noteChild } from './pid-file.ts';
import { signal } from './process-identity.ts';
import { summarise } from './test-summary.ts';
import type { Report, Summary } from './test-summary.ts';

const readReport = (file: string): Report | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
};

/** Runs vitest on this terminal until it ends or is to be stopped; answers what it counted. */
export const runVitest = async (
  { root, env }: Config,
  run: { args: string[]; folder: string; env: Environment; stopped: Promise<string> },
): Promise<Summary> => {
  const report = join(run.folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...run.args],
    // A group of its own: a Ctrl-C comes to this process, which ends what the tests started, too.
    { cwd: root, env: { ...env, ...run.env }, stdio: ['ignore', 'inherit', 'inherit'], detached: true },
  );
  if (child.pid) noteChild(run.folder, 'vitest', child.pid, 'SIGTERM');
  const exited = once(child, 'exit') as Promise<[number | null]>;
  void run.stopped.then(async (why) => {
    process.stderr.write(`\n${why}\n`);
    child.kill('SIGTERM');
    await wait(5_000, undefined, { ref: false });
    child.kill('SIGKILL');
  });
  const [code] = await exited;
  if (child.pid) signal(-child.pid, 'SIGKILL');
  return summarise(readReport(report), code ?? 1);
};
