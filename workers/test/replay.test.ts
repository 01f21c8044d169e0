import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  BILLING_QUEUE,
  checkoutWorkflowId,
  names,
  subscriptionWorkflowId,
} from '@sentryagent/workflows/contracts';
import type { BatchActivities } from '@sentryagent/workflows/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import { quietRuntime, startEnvironment, withWorker, workflowBundle } from './support/environment.ts';
import { createWorld, instant, monthly } from './support/fake-stripe.ts';
import type { World } from './support/fake-stripe.ts';

/**
 * Histories of every release, `<release>/<what it went through>.json`. They are never edited and never deleted while a
 * run of that release may live. RECORD_HISTORIES=<release> writes those of the code as it stands.
 */
const folder = new URL('../../workflows/histories/', import.meta.url);

beforeAll(quietRuntime);

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .sort();

const replay = (file: string, bundle = workflowBundle()): Promise<void> => {
  const history: unknown = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
  return Worker.runReplayHistory({ workflowBundle: bundle }, history, file);
};

describe('Recorded histories replay with the current code', () => {
  it('has some of each workflow', () => {
    for (const name of ['checkout', 'subscription', 'credential-expiry', 'housekeeping', 'key-rotation']) {
      expect(files.filter((file) => file.includes(`/${name}-`)).length).toBeGreaterThan(0);
    }
  });

  it.each(files)('%s', (file) => replay(file));

  /** Each changes what the code does in the world, or in which order. */
  it.each([
    ['checkout-paid', 'no subscription is started', 'await startSubscription(input);', ';'],
    [
      'checkout-expired',
      'it takes an unpaid one for paid',
      'if (end) return end;',
      "if (end) return 'completed';",
    ],
    [
      'subscription-renewed',
      'it looks twice',
      'run.view = view;',
      'await applySubscription({ tenantId }); run.view = view;',
    ],
  ])('a deliberate break fails: %s, %s', async (name, _what, code, instead) => {
    const { code: bundle } = workflowBundle();
    const broken = bundle.replaceAll(code, instead);
    expect(broken.length).not.toBe(bundle.length);
    const file = files.find((path) => path.includes(name))!;
    await expect(replay(file, { code: broken })).rejects.toThrow(/Nondeterminism/);
  });
});

const DAY = 86_400_000;
/** What the recorded runs go through; each answers the run to keep. */
const lives = (environment: TestWorkflowEnvironment) => {
  const { workflow } = environment.client;
  const start = (name: 'checkout' | 'subscription') => {
    const [tenantId, checkoutId] = [`ten_${randomUUID()}`, `chk_${randomUUID()}`];
    const isCheckout = name === 'checkout';
    return workflow.start(names[name], {
      workflowId: isCheckout ? checkoutWorkflowId(tenantId, checkoutId) : subscriptionWorkflowId(tenantId),
      taskQueue: BILLING_QUEUE,
      args: [isCheckout ? { tenantId, checkoutId } : { tenantId }],
    });
  };
  type Run = Awaited<ReturnType<typeof start>>;
  const open = async (): Promise<Run> => {
    const run = await start('checkout');
    await run.executeUpdate(names.open, { updateId: names.open });
    return run;
  };
  const looks = async ({ calls }: World, count: number): Promise<void> => {
    while (calls.length < count) await environment.sleep(10);
  };
  return {
    'checkout-paid': async (world) => {
      const run = await open();
      await run.signal(names.nudge);
      await looks(world, 2);
      world.session = 'complete';
      await run.signal(names.nudge);
      return run;
    },
    'checkout-expired': () => open(),
    'checkout-cancelled': async () => {
      const run = await open();
      await run.cancel();
      return run;
    },
    'subscription-renewed': async (world) => {
      const now = await environment.currentTimeMs();
      world.reading = { subscription: monthly(now), stripeNow: instant(now) };
      const run = await start('subscription');
      await looks(world, 1);
      world.reading = { subscription: monthly(now, { status: 'past_due' }), stripeNow: instant(now) };
      await run.signal(names.nudge);
      await looks(world, 2);
      world.reading = { subscription: monthly(now + 30 * DAY), stripeNow: instant(now + 30 * DAY) };
      await run.signal(names.nudge);
      await looks(world, 4);
      world.reading = { subscription: monthly(now, { status: 'canceled' }), stripeNow: instant(now) };
      await run.signal(names.nudge);
      return run;
    },
  } satisfies Record<string, (world: World) => Promise<Run>>;
};

const twoPages = (): BatchActivities => {
  const batches = [true, false];
  return {
    rotateSigningKeys: async () => [{ kid: 'key_1', to: 'next' }],
    announceExpiry: async ({ after }) =>
      after === '' ? { next: 'crd_1', queued: 2 } : { next: null, queued: 1 },
    deleteExpired: async () => ({ deleted: 3, isMore: batches.shift()! }),
    reconcileStripe: async ({ after }) =>
      after === null ? { next: 'sub_1', compared: 100, drifted: 1 } : { next: null, compared: 3, drifted: 0 },
    reconcilePaidTenants: async () => 1,
  };
};

const release = process.env.RECORD_HISTORIES;
if (release) {
  it('records', async () => {
    const environment = await startEnvironment();
    mkdirSync(new URL(`${release}/`, folder), { recursive: true });
    for (const [name, live] of Object.entries(lives(environment))) {
      // Five minutes instead of a day, so that the history is short.
      const world = createWorld({
        openCheckoutSession: async () => ({
          sessionId: 'cs_1',
          url: 'https://checkout.stripe.test/cs_1',
          expiresAt: instant((await environment.currentTimeMs()) + 300_000),
        }),
      });
      await withWorker(environment, world.activities, async () => {
        const started = await live(world);
        await started.result();
        const { workflowId, firstExecutionRunId } = started;
        const run = environment.client.workflow.getHandle(workflowId, firstExecutionRunId);
        writeFileSync(
          new URL(`${release}/${name}.json`, folder),
          `${historyToJSON(await run.fetchHistory())}\n`,
        );
      });
    }
    await withWorker(environment, twoPages(), async () => {
      for (const [name, file] of [
        ['credentialExpiry', 'credential-expiry-paged'],
        ['keyRotation', 'key-rotation-due'],
        ['housekeeping', 'housekeeping-batched'],
      ] as const) {
        const run = await environment.client.workflow.start(names[name], {
          workflowId: `${file}-${randomUUID()}`,
          taskQueue: BILLING_QUEUE,
          args: [{}],
        });
        await run.result();
        writeFileSync(
          new URL(`${release}/${file}.json`, folder),
          `${historyToJSON(await run.fetchHistory())}\n`,
        );
      }
    });
    await environment.teardown();
  });
}
