import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { BILLING_QUEUE, names } from '@sentryagent/workflows/contracts';
import type { BatchActivities } from '@sentryagent/workflows/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import { quietRuntime, startEnvironment, withWorker, workflowBundle } from './support/environment.ts';
import { createWorld, instant } from './support/fake-stripe.ts';
import { lives } from './support/lives.ts';

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
    for (const name of [
      ...['checkout', 'subscription', 'renewal-reminder', 'stripe-reconcile'],
      ...['credential-expiry', 'housekeeping', 'key-rotation', 'daily-quota-reset'],
    ]) {
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
    [
      'checkout-settled-later',
      'the row never says that the payment settles',
      'await showProcessing(key);',
      ';',
    ],
    ['subscription-updated', 'no reminder is started', 'child = await start(run, chargeAt);', ';'],
    ['renewal-reminder-sent', 'it mails at once', 'if (waitMs <= 0) break;', 'break;'],
    ['stripe-reconcile-paged', 'it skips paid tenants', 'drifted += await reconcilePaidTenants();', ';'],
    ['daily-quota-reset-paged', 'it stops after a part', 'if (part.day === null) break;', 'break;'],
  ])('a deliberate break fails: %s, %s', async (name, _what, code, instead) => {
    const { code: bundle } = workflowBundle();
    const broken = bundle.replaceAll(code, instead);
    expect(broken.length).not.toBe(bundle.length);
    const file = files.find((path) => path.includes(name))!;
    await expect(replay(file, { code: broken })).rejects.toThrow(/Nondeterminism/);
  });
});

const twoPages = (): BatchActivities => {
  const batches = [true, false];
  const parts = [
    { day: '2026-11-27', tenants: 10_000, isSettled: false },
    { day: '2026-11-27', tenants: 500, isSettled: true },
    { day: null, tenants: 0, isSettled: false },
  ];
  return {
    rotateSigningKeys: async () => [{ kid: 'key_1', to: 'next' }],
    announceExpiry: async ({ after }) =>
      after === '' ? { next: 'crd_1', queued: 2, noticed: 3 } : { next: null, queued: 1, noticed: 1 },
    deleteExpired: async () => ({ deleted: 3, isMore: batches.shift()! }),
    reconcileStripe: async ({ after }) =>
      after === null ? { next: 'sub_1', compared: 100, drifted: 1 } : { next: null, compared: 3, drifted: 0 },
    reconcilePaidTenants: async () => 1,
    settleUsage: async () => parts.shift()!,
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
        ['stripeReconcile', 'stripe-reconcile-paged'],
        ['dailyQuotaReset', 'daily-quota-reset-paged'],
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
