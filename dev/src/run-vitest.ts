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

/** Runs vitest in this terminal until it exits or a stop is requested. Returns its counts. */
export const runVitest = async (
  { root, env }: Config,
  run: { args: string[]; folder: string; env: Environment; stopped: Promise<string> },
): Promise<Summary> => {
  const report = join(run.folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...run.args],
    // A separate process group, so that Ctrl-C reaches this process, which also stops what the tests have started.
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
