import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { testEnvironment } from './api.ts';
import { freePort } from '../../../dev/src/ports.ts';
import { isBadLuck } from '../../../dev/test/support/bad-luck.ts';
import { bareEnvironment } from '../../../dev/test/support/bare-environment.ts';

const main = new URL('../../src/main.ts', import.meta.url).pathname;

/** A whole API as a process of its own, which can be ended in any way. */
export interface ApiProcess {
  url: string;
  /** Answers its exit code, or `null` if the signal ended it. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
  /** What it has logged so far. */
  output(): string;
}

/** Starts the API on this port and waits for nothing. */
export const spawnApi = (database: string, port: number, env: Record<string, string> = {}) =>
  spawn(process.execPath, [main], {
    env: {
      ...bareEnvironment,
      ...testEnvironment(database),
      API_PORT: String(port),
      LOG_LEVEL: 'error',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** Starts it again, as a supervisor would, if bad luck ended it before it was up. Any other end is an error. */
export const startApiProcess = async (
  database: string,
  env: Record<string, string> = {},
  tries = 5,
): Promise<ApiProcess> => {
  const port = await freePort();
  const child = spawnApi(database, port, env);
  const written: Buffer[] = [];
  const output = (): string => Buffer.concat(written).toString();
  child.stdout.on('data', (data: Buffer) => written.push(data)).pipe(process.stdout, { end: false });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const url = `http://127.0.0.1:${port}`;
  const isUp = () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isUp())) {
    if (child.exitCode !== null) {
      await ended;
      if (tries > 1 && isBadLuck(output())) return startApiProcess(database, env, tries - 1);
      throw new Error(`the API ended by itself: exit code ${child.exitCode}`);
    }
    await wait(100);
  }
  return {
    url,
    end: async (signal) => {
      child.kill(signal);
      return (await ended)[0];
    },
    output,
  };
};
