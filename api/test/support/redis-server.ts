import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../../dev/src/ports.ts';
import { redisUrl } from './servers.ts';
import { until } from './until.ts';

/** A Redis of a test's own, to be broken at will. */
export interface RedisServer {
  url: string;
  port: number;
  /** Its working directory. */
  folder: string;
  /** Sends a command over a connection of its own. */
  call(command: string, ...args: string[]): Promise<unknown>;
  /** Stops the process without ending it: the kernel still takes its connections. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

const ask = async (url: string, command: string, args: string[]): Promise<unknown> => {
  const client = new Redis(url, { retryStrategy: () => null, lazyConnect: true, enableReadyCheck: false });
  client.on('error', () => {});
  try {
    await client.connect();
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
};

/** The program that the run's own Redis is. */
const findProgram = async (): Promise<string> => {
  const info = String(await ask(redisUrl('none'), 'INFO', ['server']));
  return /^executable:(.+)$/m.exec(info)![1]!.trim();
};

export const startRedisServer = async (): Promise<RedisServer> => {
  const [program, port] = [await findProgram(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'sentryagent-redis-'));
  const flags = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''];
  const child = spawn(program, flags, { stdio: 'ignore' });
  const url = `redis://127.0.0.1:${port}/0`;
  const call = (command: string, ...args: string[]) => ask(url, command, args);
  await until('the Redis of the test answers', async () => (await call('PING')) === 'PONG');
  return {
    url,
    port,
    folder,
    call,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    close: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
