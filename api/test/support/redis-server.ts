import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { redisUrl } from './servers.ts';

/** A Redis of a test's own, with its append-only file: one that may hang, be killed or go back in time. */
export interface RedisServer {
  url: string;
  /** It hangs: connections stay, and what is sent waits. */
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Copies its files; the answer puts them back while it is down. */
  snapshot(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** The program of the Redis that the test run has started. */
const findProgram = async (): Promise<string> => {
  const redis = new Redis(redisUrl('postgres'));
  const info = await redis.info('server');
  redis.disconnect();
  const [, program] = /^executable:(.+?)\r?$/m.exec(info) ?? [];
  if (!program) throw new Error('Redis does not say which program it is');
  return program;
};

const untilReady = async (url: string): Promise<void> => {
  const redis = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => {});
  await redis.ping();
  redis.disconnect();
};

export const startRedisServer = async (): Promise<RedisServer> => {
  const [program, port] = [await findProgram(), await freePort()];
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const data = join(folder, 'data');
  const url = `redis://127.0.0.1:${port}/0`;
  let child: ChildProcess;
  await mkdir(data);

  const start = async (): Promise<void> => {
    const flags = { bind: '127.0.0.1', port: String(port), dir: data, appendonly: 'yes', save: '' };
    const argv = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    child = spawn(program, argv, { stdio: 'ignore' });
    await untilReady(url);
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
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill,
    start,
    snapshot: async () => {
      const copy = join(folder, `copy-${Date.now()}`);
      await cp(data, copy, { recursive: true });
      return async () => {
        await rm(data, { recursive: true });
        await cp(copy, data, { recursive: true });
      };
    },
    close: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
