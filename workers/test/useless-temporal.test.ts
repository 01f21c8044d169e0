import { randomUUID } from 'node:crypto';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Logger } from '@sentryagent/api/platform/logger';
import { createTemporal } from '@sentryagent/api/platform/temporal';
import type { Temporal } from '@sentryagent/api/platform/temporal';
import { BILLING_QUEUE, names } from '@sentryagent/workflows/contracts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startProxy } from '../../api/test/support/proxy.ts';
import type { Proxy } from '../../api/test/support/proxy.ts';
import { startTemporalServer } from '../../api/test/support/temporal-server.ts';
import type { TemporalServer } from '../../api/test/support/temporal-server.ts';
import { required } from '../../dev/test/support/required.ts';
import { until } from '../../dev/test/support/until.ts';
import { runWorkers } from '../src/run-workers.ts';
import type { RunningWorkers } from '../src/run-workers.ts';
import { quietRuntime, workflowBundle } from './support/environment.ts';
import { startWorkerProcess } from './support/worker-process.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let server: TemporalServer;
let proxy: Proxy;
let temporal: Temporal;
let workers: RunningWorkers;
let logs: string[];

const create = async (connection: NativeConnection): Promise<Worker[]> => [
  await Worker.create({
    connection,
    taskQueue: BILLING_QUEUE,
    workflowBundle: workflowBundle(),
    activities: { deleteExpired: async () => ({ deleted: 1, isMore: false }) },
  }),
];

beforeEach(async () => {
  quietRuntime();
  server = await startTemporalServer();
  proxy = await startProxy(server.url);
  const address = new URL(proxy.url).host;
  temporal = createTemporal({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' });
  logs = [];
  const logger = { warn: (...[values, text]: unknown[]) => void logs.push(String(text ?? values)) };
  const connect = () => NativeConnection.connect({ address });
  workers = await runWorkers(await connect(), {
    connect,
    create,
    temporal,
    logger: logger as unknown as Logger,
  });
  await expectWorkDone(server);
});
afterEach(async () => {
  workers.stop();
  await proxy.close();
  await workers.ended;
  await temporal.close();
  await server.close();
});

const expectWorkDone = async ({ url }: TemporalServer): Promise<void> => {
  const direct = createTemporal({ TEMPORAL_ADDRESS: new URL(url).host, TEMPORAL_NAMESPACE: 'default' });
  const run = { workflowId: randomUUID(), taskQueue: BILLING_QUEUE, args: [] };
  const execute = direct.within(120_000, ({ workflow }) => workflow.execute(names.housekeeping, run));
  expect(await execute).toBe(1);
  await direct.close();
};

const LEFT = 'new workers use a new connection';
const isLeft = (): boolean => logs.some((text) => text.includes(LEFT));

const expectLeft = (): Promise<void> =>
  until('the silent connection is left', async () => {
    await workers.look();
    return isLeft();
  });

it('A half-open connection of a worker is replaced', async () => {
  proxy.strand();
  expect(await workers.look()).toMatchObject({ state: 'disconnected' });
  await expectLeft();
  expect(await workers.look()).toEqual({ state: 'connected' });
  await expectWorkDone(server);
});

it('A half-open connection of a worker is replaced, by the program itself', async () => {
  const program = await startWorkerProcess({
    TEMPORAL_ADDRESS: new URL(proxy.url).host,
    WORKFLOW_BUNDLE: required('TEST_WORKFLOW_BUNDLE'),
    LOG_LEVEL: 'warn',
  });
  try {
    await until('it runs', async () => (await program.ask())?.status === 200);
    proxy.strand();
    await until('the silent connection is left', () => program.output().includes(LEFT));
  } finally {
    await program.end('SIGKILL');
  }
});

it('A worker keeps its connection to a Temporal that is frozen', async () => {
  server.freeze();
  // What Temporal began to answer before it froze may still arrive.
  await until('it is silent', async () => (await workers.look()).state === 'disconnected');
  for (let i = 0; i < 3; i++) expect(await workers.look()).toMatchObject({ state: 'disconnected' });
  server.thaw();
  await until('Temporal answers', async () => (await workers.look()).state === 'connected');
  await expectWorkDone(server);
  expect([isLeft(), workers.states()]).toEqual([false, ['RUNNING']]);
});

it('A worker follows the address of Temporal', async () => {
  server.freeze();
  const next = await startTemporalServer();
  proxy.lead(next.url);
  await expectLeft();
  await expectWorkDone(next);
  server.thaw();
  await next.close();
});
