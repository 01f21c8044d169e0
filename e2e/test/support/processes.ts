import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isBadLuck } from '../../../dev/test/support/bad-luck.ts';
import { bareEnvironment } from '../../../dev/test/support/bare-environment.ts';
import { until } from '../../../dev/test/support/until.ts';

const root = new URL('../../../', import.meta.url).pathname;

export const answers = (url: string): Promise<void> =>
  until(`${url} answers`, async () => (await fetch(url)).ok);

/** One program of the platform, as it runs in production. */
export interface Program {
  /** Starts it again, as a supervisor would, if bad luck ends it before it is up. */
  start(): Promise<void>;
  /** As an operator stops it. */
  stop(): Promise<void>;
  /** As a machine that loses its power. */
  kill(): Promise<void>;
  /** Waits until it has ended. Returns the signal that ended it. */
  ended(): Promise<NodeJS.Signals | null>;
  /** What it has written to its error output so far. */
  errors(): string;
}

/** Characters of its output that are kept for the message of a failed start. */
const KEPT = 10_000;

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
    printed = '';
    child.stdout.on('data', (data: Buffer) => (printed = (printed + String(data)).slice(-KEPT)));
    return child;
  };
  const errors: Buffer[] = [];
  let printed = '';
  let child: ReturnType<typeof launch> | undefined;
  const isOver = (): boolean => !child || child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (isOver()) return;
    child!.kill(signal);
    await once(child!, 'exit');
  };
  return {
    start: async () => {
      for (let tries = 5; ; tries -= 1) {
        const started = (child = launch());
        const ended = once(started, 'close').then(() => 'ended');
        if ((await Promise.race([isUp(), ended])) !== 'ended') return;
        const output = printed + Buffer.concat(errors).toString();
        if (tries === 1 || !isBadLuck(output))
          throw new Error(`${argv.join(' ')} ended by itself:\n${output}`);
      }
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    ended: async () => {
      if (!isOver()) await once(child!, 'exit');
      return child?.signalCode ?? null;
    },
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
