import type { Logger } from '@sentryagent/api/platform/logger';
import { expect, it } from 'vitest';
import { freePort } from '../../dev/src/ports.ts';
import { untilStopped } from '../src/until-stopped.ts';
import { startWorkerProcess } from './support/worker-process.ts';

const logged = () => {
  const logs: string[] = [];
  const write = (...[values, text]: unknown[]) => void logs.push(String(text ?? values));
  return { logs, logger: { error: write, fatal: write } as unknown as Logger };
};

it('waits for work in progress, however long nobody stops it', async () => {
  const { logs, logger } = logged();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const stopping = untilStopped({ stop: resolve, ended }, logger, 5_000);
  stopping.stop();
  expect(await stopping.ended).toBe(true);
  expect(logs).toEqual([]);
});

it('A worker that hangs, fails, or cannot be stopped, is left and logged', async () => {
  const { logs, logger } = logged();
  const never = new Promise<void>(() => {});
  const hanging = untilStopped({ stop: () => {}, ended: never }, logger, 50);
  hanging.stop();
  expect(await hanging.ended).toBe(false);
  const failing = untilStopped({ stop: () => {}, ended: Promise.reject(new Error('lost')) }, logger);
  expect(await failing.ended).toBe(false);
  const stop = () => {
    throw new Error('not running');
  };
  const broken = untilStopped({ stop, ended: never }, logger);
  broken.stop();
  expect(await broken.ended).toBe(false);
  expect(logs).toEqual(['the workers did not stop within 0.05 s', 'a worker failed', 'a worker failed']);
});

const startWithoutTemporal = async () =>
  startWorkerProcess({ TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`, LOG_LEVEL: 'silent' });

it('A worker that has not reached Temporal yet answers for its health', async () => {
  const worker = await startWithoutTemporal();
  const reply = await worker.ask();
  expect(reply?.status).toBe(503);
  expect(await reply?.json()).toMatchObject({
    status: 'degraded',
    states: [],
    services: { database: 'connected', temporal: 'disconnected' },
  });
  await worker.end('SIGKILL');
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'A worker that has not reached Temporal yet closes what is open: %s',
  async (signal) => {
    const worker = await startWithoutTemporal();
    expect(await worker.end(signal)).toEqual([0, null]);
  },
);
