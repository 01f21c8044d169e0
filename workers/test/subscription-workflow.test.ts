import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { names, subscriptionWorkflowId } from '@sentryagent/workflows/contracts';
import type { SubscriptionInput } from '@sentryagent/workflows/contracts';
import { viewOf, type SubscriptionView } from '@sentryagent/workflows/rules/subscription';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEnvironment, withWorker } from './support/environment.ts';
import { createWorld, instant, monthly } from './support/fake-stripe.ts';

const DAY = 86_400_000;

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startEnvironment();
});
afterAll(() => environment.teardown());

type Subscription = (input: SubscriptionInput) => Promise<SubscriptionView>;

const start = (view?: SubscriptionView) => {
  const tenantId = `ten_${randomUUID()}`;
  return environment.client.workflow.start<Subscription>(names.subscription, {
    workflowId: subscriptionWorkflowId(tenantId),
    taskQueue: 'billing',
    args: [view ? { tenantId, view } : { tenantId }],
  });
};

describe('subscription', () => {
  it('takes what Stripe says at the start and at each nudge, and ends with it', async () => {
    const now = await environment.currentTimeMs();
    const world = createWorld();
    world.reading = { subscription: monthly(now), stripeNow: instant(now) };
    await withWorker(environment, world.activities, async () => {
      const handle = await start();
      const status = async () => (await handle.query<SubscriptionView | null>(names.state))?.status;
      await expect.poll(status).toBe('active');
      world.reading = { subscription: monthly(now, { status: 'past_due' }), stripeNow: instant(now) };
      await handle.signal(names.nudge);
      await expect.poll(status).toBe('past_due');
      world.reading = { subscription: monthly(now, { status: 'canceled' }), stripeNow: instant(now) };
      await handle.signal(names.nudge);
      expect(await handle.result()).toMatchObject({ tier: 'free', status: 'cancelled' });
      expect(world.calls).toEqual(Array.from({ length: 3 }, () => 'applySubscription'));
    });
  });

  it('tells its state in words before the first read of a run that goes on', async () => {
    const now = await environment.currentTimeMs();
    const subscription = monthly(now, { status: 'past_due', failedAt: instant(now) });
    const reading = { subscription, stripeNow: instant(now) };
    const { promise: isShown, resolve: show } = Promise.withResolvers<void>();
    const world = createWorld({
      applySubscription: async () => {
        await isShown;
        return { ...reading, subscription: { ...subscription, status: 'canceled' } };
      },
    });
    await withWorker(environment, world.activities, async () => {
      const handle = await start(viewOf(reading));
      const details = async () =>
        (await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails;
      try {
        expect(await details()).toMatch(/^Past due\. Free from \S+ if nobody pays\.$/);
      } finally {
        show();
      }
      expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    });
  });

  it('ends at once where there is nothing', async () => {
    const world = createWorld();
    await withWorker(environment, world.activities, async () => {
      expect(await (await start()).result()).toMatchObject({ tier: 'free', status: 'active' });
    });
  });

  it('follows twelve renewals without one nudge, one period a run, and keeps each history short', async () => {
    const first = await environment.currentTimeMs();
    let looks = 0;
    const world = createWorld({
      applySubscription: async () => {
        looks += 1;
        const now = await environment.currentTimeMs();
        const periods = Math.floor((now - first) / (30 * DAY));
        if (periods >= 12)
          return { subscription: monthly(first, { status: 'canceled' }), stripeNow: instant(now) };
        return { subscription: monthly(first + periods * 30 * DAY), stripeNow: instant(now) };
      },
    });
    await withWorker(environment, world.activities, async () => {
      const handle = await start();
      const { workflowId } = handle;
      expect(await handle.result()).toMatchObject({ tier: 'free', status: 'cancelled' });
      const last = await environment.client.workflow.getHandle(workflowId).describe();
      expect(last.runId).not.toBe(handle.firstExecutionRunId);
      expect(last.historyLength).toBeLessThan(1_000);
    });
    // Daily, and once more at each new period.
    expect(looks).toBeGreaterThan(12 * 29);
    expect(looks).toBeLessThan(12 * 33);
  });
});
