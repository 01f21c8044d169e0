import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { NativeConnection } from '@temporalio/worker';
import { createLogger } from '@sentryagent/api/platform/logger';
import { createTemporal } from '@sentryagent/api/platform/temporal';
import type { Temporal } from '@sentryagent/api/platform/temporal';
import {
  BILLING_QUEUE,
  checkoutWorkflowId,
  names,
  subscriptionWorkflowId,
} from '@sentryagent/workflows/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTemporalServer } from '../../api/test/support/temporal-server.ts';
import type { TemporalServer } from '../../api/test/support/temporal-server.ts';
import { required } from '../../dev/test/support/required.ts';
import { until } from '../../dev/test/support/until.ts';
import { parseConfig } from '../src/config.ts';
import { runWorkers } from '../src/run-workers.ts';
import type { RunningWorkers } from '../src/run-workers.ts';
import { prepareNamespace } from '../src/temporal-namespace.ts';
import { createWorkers } from '../src/temporal-worker.ts';
import { quietRuntime } from './support/environment.ts';
import { createWorld, instant, monthly } from './support/fake-stripe.ts';
import type { World } from './support/fake-stripe.ts';

const DEPLOYMENT = 'workers';
const logger = createLogger('silent');

let server: TemporalServer;
let temporal: Temporal;
let environment: TestWorkflowEnvironment;
const releases: RunningWorkers[] = [];

beforeAll(async () => {
  quietRuntime();
  server = await startTemporalServer();
  const address = new URL(server.url).host;
  temporal = createTemporal({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' });
  await prepareNamespace(temporal, 'default', logger);
  environment = await TestWorkflowEnvironment.createFromExistingServer({ address });
}, 60_000);
afterAll(async () => {
  for (const release of releases) release.stop();
  await Promise.all(releases.map(({ ended }) => ended));
  await Promise.all([environment.teardown(), temporal.close()]);
  await server.close();
}, 60_000);

/** The workers of a release, as `main.ts` starts them. Returns what their activities see. */
const startRelease = async (buildId?: string): Promise<World> => {
  const now = Date.now();
  const world = createWorld();
  world.reading = { subscription: monthly(now), stripeNow: instant(now) };
  const address = new URL(server.url).host;
  const config = parseConfig({
    APP_DATABASE_URL: 'postgres://login@127.0.0.1:5432/none',
    STRIPE_SECRET_KEY: 'sk_test_none',
    KEY_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
    TEMPORAL_ADDRESS: address,
    WORKFLOW_BUNDLE: required('TEST_WORKFLOW_BUNDLE'),
    ...(buildId && { TEMPORAL_DEPLOYMENT: DEPLOYMENT, TEMPORAL_BUILD_ID: buildId }),
  });
  const batch = {
    rotateSigningKeys: async () => [],
    announceExpiry: async () => ({ next: null, queued: 0, noticed: 0 }),
    deleteExpired: async () => ({ deleted: 0, isMore: false }),
    reconcileStripe: async () => ({ next: null, compared: 0, drifted: 0 }),
    reconcilePaidTenants: async () => 0,
    settleUsage: async () => ({ day: null, tenants: 0, isSettled: false }),
  };
  const connect = () => NativeConnection.connect({ address });
  releases.push(
    await runWorkers(await connect(), {
      connect,
      create: (native) => createWorkers(config, native, { billing: world.activities, batch }),
      temporal,
      logger,
    }),
  );
  return world;
};

/** What docs/operators.md says to type. The server knows a version as soon as its workers have asked for tasks. */
const setCurrent = (buildId: string): Promise<void> => {
  const version = ['--deployment-name', DEPLOYMENT, '--build-id', buildId];
  const command = ['worker', 'deployment', 'set-current-version', ...version, '--yes'];
  const args = [...command, '--address', new URL(server.url).host];
  return until(`${buildId} is current`, () =>
    promisify(execFile)(required('TEST_TEMPORAL_PROGRAM'), args).then(
      () => true,
      () => false,
    ),
  );
};

type Run = Awaited<ReturnType<TestWorkflowEnvironment['client']['workflow']['start']>>;

/** Returns when this release serves the subscription. The server takes a moment to tell all of its parts. */
const moved = (subscription: Run, { calls }: World): Promise<void> =>
  until('the subscription has moved', async () => {
    await subscription.executeUpdate(names.resync);
    return calls.includes('applySubscription');
  });

const startSubscription = (tenantId = `ten_${randomUUID()}`): Promise<Run> =>
  environment.client.workflow.start(names.subscription, {
    workflowId: subscriptionWorkflowId(tenantId),
    taskQueue: BILLING_QUEUE,
    args: [{ tenantId }],
  });

it('A run from before versions moves to the current one', { timeout: 120_000 }, async () => {
  const unversioned = await startRelease();
  const subscription = await startSubscription();
  await subscription.executeUpdate(names.resync);
  const versioned = await startRelease('0.9.0');
  await setCurrent('0.9.0');
  await moved(subscription, versioned);
  unversioned.calls.length = 0;
  await subscription.executeUpdate(names.resync);
  expect(unversioned.calls).toEqual([]);
});

it('A checkout stays on its release and a subscription moves', { timeout: 120_000 }, async () => {
  const before = await startRelease('1.0.0');
  await setCurrent('1.0.0');
  const [tenantId, checkoutId] = [`ten_${randomUUID()}`, `chk_${randomUUID()}`];
  const checkout = await environment.client.workflow.start(names.checkout, {
    workflowId: checkoutWorkflowId(tenantId, checkoutId),
    taskQueue: BILLING_QUEUE,
    args: [{ tenantId, checkoutId }],
  });
  await checkout.executeUpdate(names.open, { updateId: names.open });
  const subscription = await startSubscription(tenantId);
  await until('1.0.0 has read both', async () => before.calls.includes('applySubscription'));

  const after = await startRelease('2.0.0');
  await setCurrent('2.0.0');
  await moved(subscription, after);
  before.calls.length = 0;
  await subscription.executeUpdate(names.resync);
  expect(before.calls).toEqual([]);

  before.session = 'complete';
  await checkout.signal(names.nudge);
  expect(await checkout.result()).toBe('completed');
  expect(before.calls).toContain('closeCheckout');
  expect(after.calls).not.toContain('closeCheckout');

  // Back to the release before.
  await setCurrent('1.0.0');
  before.calls.length = 0;
  await moved(subscription, before);
});
