import type { NativeConnection, Worker } from '@temporalio/worker';
import type { Logger } from '@sentryagent/api/platform/logger';
import type { Temporal } from '@sentryagent/api/platform/temporal';
import { expect, it } from 'vitest';
import { runWorkers } from '../src/run-workers.ts';

/** Connections that answer nothing, to a Temporal that answers over another; workers that never end by themselves. */
const flapping = () => {
  const open = new Set<object>();
  const running: { stop: () => void }[] = [];
  const connect = async (): Promise<NativeConnection> => {
    const connection = {
      withDeadline: async () => Promise.reject(Object.assign(new Error('silent'), { code: 14 })),
      healthService: {},
      close: async () => void open.delete(connection),
    };
    open.add(connection);
    return connection as unknown as NativeConnection;
  };
  const create = async (): Promise<Worker[]> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    running.push({ stop: resolve });
    const worker = { getState: () => 'RUNNING', run: () => promise, shutdown: () => {} };
    return [worker as unknown as Worker];
  };
  const temporal = { look: async () => ({ state: 'connected' }) } as unknown as Temporal;
  const logger = { warn: () => {} } as unknown as Logger;
  return { open, running, parts: { connect, create, temporal, logger } };
};

it('A worker whose connections stay silent has two sets of workers at most', async () => {
  const { open, running, parts } = flapping();
  const workers = await runWorkers(await parts.connect(), parts);
  for (let i = 0; i < 20; i++) expect(await workers.look()).toMatchObject({ state: 'disconnected' });
  expect([running.length, open.size]).toEqual([2, 2]);
  running[0]!.stop();
  for (let i = 0; i < 20; i++) await workers.look();
  expect([running.length, open.size]).toEqual([3, 2]);
});

it('A worker whose connection answers in between keeps it', async () => {
  const { running, parts } = flapping();
  let isSilent = true;
  const connection = {
    ...(await parts.connect()),
    withDeadline: async () => {
      if (isSilent) throw Object.assign(new Error('silent'), { code: 14 });
      return { status: 1 };
    },
  };
  const workers = await runWorkers(connection as unknown as NativeConnection, parts);
  for (const state of ['disconnected', 'connected', 'disconnected', 'connected', 'disconnected']) {
    isSilent = state === 'disconnected';
    expect(await workers.look()).toMatchObject({ state });
  }
  expect(running).toHaveLength(1);
});

it('A worker that cannot make new workers ends, to be started again', async () => {
  const { parts } = flapping();
  let isBroken = false;
  const create = () => (isBroken ? Promise.reject(new Error('no such namespace')) : parts.create());
  const workers = await runWorkers(await parts.connect(), { ...parts, create });
  isBroken = true;
  const ended = expect(workers.ended).rejects.toThrow('no such namespace');
  for (let i = 0; i < 3; i++) await workers.look();
  await ended;
});
