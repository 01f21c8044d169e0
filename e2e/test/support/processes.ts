import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { bareEnvironment } from '../../../dev/test/support/bare-environment.ts';
import { until } from '../../../dev/test/support/until.ts';

const root = new URL('../../../', import.meta.url).pathname;

/** A program that starts beside others on a busy machine; a hook may take a minute. */
const START_MS = 50_000;

export const answers = (url: string): Promise<void> =>
  until(`${url} answers`, async () => (await fetch(url)).ok, START_MS);

/** One program of the platform, as it runs in production. */
export interface Program {
  start(): Promise<void>;
  /** As an operator stops it. */
  stop(): Promise<void>;
  /** As a machine that loses its power. */
  kill(): Promise<void>;
  /** What it has written to its error output so far. */
  errors(): string;
}

/** Programs are spawned as they stand; `argv` without a path is a file of the repository for Node. */
export const program = (
  argv: string[],
  env: Record<string, string>,
  isUp: () => Promise<void> = () => Promise.resolve(),
): Program => {
  const [file = '', ...args] = argv[0]?.startsWith('/') ? argv : [process.execPath, ...argv];
  const launch = () => {
    const child = spawn(file, args, { cwd: root, env: { ...bareEnvironment, ...env } });
    child.stderr.pipe(process.stderr);
    child.stderr.on('data', (data: Buffer) => errors.push(data));
    child.stdout.resume();
    return child;
  };
  const errors: Buffer[] = [];
  let child: ReturnType<typeof launch> | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  return {
    start: async () => {
      child = launch();
      await isUp();
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    errors: () => Buffer.concat(errors).toString(),
  };
};

/** Runs a program to its end. */
export const runProgram = async (argv: string[], env: Record<string, string>): Promise<void> => {
  const child = spawn(process.execPath, argv, { cwd: root, env: { ...bareEnvironment, ...env } });
  child.stdout.resume();
  child.stderr.pipe(process.stderr);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}`);
};
