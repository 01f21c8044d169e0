import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../../dev/src/ports.ts';
import { redisUrl } from './servers.ts';

/** A Redis of a test's own, to be broken at will. */
export interface RedisServer {
  url: string;
  port: number;
  /** Its working directory. */
  folder: string;
  /** Sends a command over a connection of its own. */
  call(command: string, ...args: string[]): Promise<unknown>;
  /** Stops the process without ending it: the kernel still takes its connections, and what is sent waits. */
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Copies its files; the answer puts them back while it is down. */
  snapshot(): Promise<() => Promise<void>>;
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

const untilReady = async (url: string): Promise<void> => {
  const redis = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => {});
  await redis.ping();
  redis.disconnect();
};

/** `flags` are Redis' own settings, such as `appendonly`. */
export const startRedisServer = async (flags: Record<string, string> = {}): Promise<RedisServer> => {
  const [program, port] = [await findProgram(), await freePort()];
  const root = await mkdtemp(join(tmpdir(), 'sentryagent-redis-'));
  const folder = join(root, 'data');
  const url = `redis://127.0.0.1:${port}/0`;
  let child: ChildProcess;
  await mkdir(folder);

  const start = async (): Promise<void> => {
    const settings = { bind: '127.0.0.1', port: String(port), dir: folder, save: '', ...flags };
    const argv = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    child = spawn(program, argv, { stdio: 'ignore' });
    const ended = once(child, 'exit').then(() => {
      throw new Error('The Redis of the test ended by itself.');
    });
    await Promise.race([untilReady(url), ended]);
    ended.catch(() => {});
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    url,
    port,
    folder,
    call: (command, ...args) => ask(url, command, args),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    start,
    snapshot: async () => {
      const copy = join(root, `copy-${Date.now()}`);
      await cp(folder, copy, { recursive: true });
      return async () => {
        await rm(folder, { recursive: true });
        await cp(copy, folder, { recursive: true });
      };
    },
    close: async () => {
      await kill();
      await rm(root, { recursive: true, force: true });
    },
  };
};
