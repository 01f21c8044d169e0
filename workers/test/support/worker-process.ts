import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appUrl, createTestDatabase, dropTestDatabase } from '../../../api/test/support/servers.ts';
import { until } from '../../../dev/test/support/until.ts';
import { freePort } from '../../../dev/src/ports.ts';
import { bareEnvironment } from '../../../dev/test/support/bare-environment.ts';

const main = new URL('../../src/main.ts', import.meta.url).pathname;

/** More than a worker without work takes to stop, which is 4 s at most. */
const END_MS = 15_000;

/** A whole worker as a process of its own, which answers for its health, but may not have reached Temporal yet. */
export interface WorkerProcess {
  pid: number;
  ask(): Promise<Response | undefined>;
  /** What it has logged so far. */
  output(): string;
  /** The exit code and the signal that ended it. Kills it if it takes too long. */
  end(signal: NodeJS.Signals): Promise<[code: number | null, signal: NodeJS.Signals | null]>;
}

export const startWorkerProcess = async (settings: Record<string, string>): Promise<WorkerProcess> => {
  const [port, database] = [String(await freePort()), await createTestDatabase()];
  const env = {
    ...bareEnvironment,
    APP_DATABASE_URL: appUrl(database),
    STRIPE_SECRET_KEY: 'sk_test_worker',
    KEY_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
    METRICS_PORT: port,
    ...settings,
  };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit') as ReturnType<WorkerProcess['end']>;
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const ask = () => fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
  await until('the worker answers', async () => (await ask()) !== undefined);
  return {
    pid: child.pid!,
    ask,
    output: () => output,
    end: async (signal) => {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      const ended = await exited;
      clearTimeout(timer);
      await dropTestDatabase(database);
      return ended;
    },
  };
};
