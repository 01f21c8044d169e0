import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { names } from '@sentryagent/workflows/contracts';
import type { Activities, BatchActivities } from '@sentryagent/workflows/contracts';
import { createLogger } from '@sentryagent/api/platform/logger';
import { Stripe } from '@sentryagent/api/platform/stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActivities, createBatchActivities } from '../src/activities.ts';
import type { ActivityDeps } from '../src/activities.ts';
import { startEnvironment, withWorker } from './support/environment.ts';
import { createWorld, instant } from './support/fake-stripe.ts';

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startEnvironment();
});
afterAll(() => environment.teardown());

const FAILURES = 10;

const reachable = {
  announceExpiry: async () => ({ next: null, queued: 0, noticed: 0 }),
  rotateSigningKeys: async () => [],
  deleteExpired: async () => ({ deleted: 0, isMore: false }),
  reconcileStripe: async () => ({ next: null, compared: 0, drifted: 0 }),
  reconcilePaidTenants: async () => 0,
  settleUsage: async () => ({ day: null, tenants: 0, isSettled: false }),
} satisfies BatchActivities;

/** The activity, after it has failed so often: each time as the guard of the worker would have it fail. */
const afterFailures = <T extends (input: never) => Promise<unknown>>(activity: T) => {
  const counted = { calls: 0 };
  const flaky = async (input: never): Promise<unknown> => {
    counted.calls += 1;
    if (counted.calls <= FAILURES) throw ApplicationFailure.retryable('away', 'stripe_error');
    return activity(input);
  };
  return { counted, flaky: flaky as T };
};

const execute = (name: string, input: object): Promise<unknown> =>
  environment.client.workflow.execute(name, {
    workflowId: `${name}-${randomUUID()}`,
    taskQueue: 'billing',
    args: [input],
  });

describe('Work that nobody waits for goes on until it succeeds', () => {
  /** A page that somebody has paid, or whose time is over. */
  const page = async (leftMs: number) => ({
    tenantId: 'ten_a',
    checkoutId: `chk_${randomUUID()}`,
    session: {
      sessionId: 'cs_1',
      url: 'https://checkout.stripe.test/cs_1',
      expiresAt: instant((await environment.currentTimeMs()) + leftMs),
    },
  });

  it.each([
    ['readCheckoutSession', 3_600_000, 'completed'],
    ['expireCheckoutSession', -1, 'completed'],
    ['startSubscription', 3_600_000, 'completed'],
    ['closeCheckout', 3_600_000, 'completed'],
  ] as const)('of a checkout: %s', async (name, leftMs, end) => {
    const world = createWorld();
    world.session = 'complete';
    const { counted, flaky } = afterFailures(world.activities[name] as Activities[typeof name]);
    const activities = { ...world.activities, [name]: flaky };
    await withWorker(environment, activities, async () => {
      expect(await execute(names.checkout, await page(leftMs))).toBe(end);
    });
    expect(counted.calls).toBe(FAILURES + 1);
  });

  it('of a subscription', async () => {
    const world = createWorld();
    const { counted, flaky } = afterFailures(world.activities.applySubscription);
    await withWorker(environment, { ...world.activities, applySubscription: flaky }, () =>
      execute(names.subscription, { tenantId: 'ten_a' }),
    );
    expect(counted.calls).toBe(FAILURES + 1);
  });

  it.each([
    [names.credentialExpiry, 'announceExpiry'],
    [names.keyRotation, 'rotateSigningKeys'],
    [names.housekeeping, 'deleteExpired'],
    [names.dailyQuotaReset, 'settleUsage'],
  ] as const)('of the batch %s', async (workflow, name) => {
    const { counted, flaky } = afterFailures(reachable[name] as BatchActivities[typeof name]);
    await withWorker(environment, { ...reachable, [name]: flaky }, () => execute(workflow, {}));
    expect(counted.calls).toBe(FAILURES + 1);
  });
});

describe('Only who waits is told that Stripe’s refusal is final', () => {
  const refusal = Stripe.errors.StripeError.generate({
    type: 'invalid_request_error',
    message: 'refused',
    statusCode: 400,
  } as never);
  const fail = () => Promise.reject(refusal);
  /** A list is awaited for a page, or read item by item. */
  const list = () => ({
    then: (_done: unknown, failed: (why: unknown) => void) => failed(refusal),
    [Symbol.asyncIterator]: () => ({ next: fail }),
  });
  /** Whatever an activity turns to first fails so. */
  const deps = {
    db: { withTenant: fail, acrossTenants: fail, runAlone: fail },
    stripe: { checkout: { sessions: { retrieve: fail } }, subscriptions: { list } },
    temporal: { within: fail },
    clock: () => new Date(),
    logger: createLogger('silent'),
    metrics: {},
    config: {},
  } as unknown as ActivityDeps;
  const activities = { ...createActivities(deps), ...createBatchActivities(deps) };
  const input = { tenantId: 'ten_a', checkoutId: 'chk_a', sessionId: 'cs_1', status: 'expired', after: '' };

  it.each(Object.keys(activities) as (keyof typeof activities)[])('%s', async (name) => {
    const activity = activities[name] as (given: object) => Promise<unknown>;
    const failure = await new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
      .run(activity, input)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      type: 'stripe_error',
      nonRetryable: ['openCheckoutSession', 'changeCancellation', 'extendGrace'].includes(name),
    });
  });
});
