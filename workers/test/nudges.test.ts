import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { checkoutWorkflowId, names, subscriptionWorkflowId } from '@sentryagent/workflows/contracts';
import type { CheckoutRun, SubscriptionInput } from '@sentryagent/workflows/contracts';
import type { CheckoutEnd } from '@sentryagent/workflows/rules/checkout';
import type { SubscriptionView } from '@sentryagent/workflows/rules/subscription';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEnvironment, withWorker } from './support/environment.ts';
import { createWorld, instant, monthly } from './support/fake-stripe.ts';

const DAY = 86_400_000;

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startEnvironment();
});
afterAll(() => environment.teardown());

const nudge = (workflowId: string): Promise<void> =>
  environment.client.workflow.getHandle(workflowId).signal(names.nudge);

/**
 * What happened in a run, in order: `look` where an activity was asked for, `waited` where a pause went by to its end.
 * A nudge that is lost shows as a pause, however long the machine took.
 */
const storyOf = async (workflowId: string, runId?: string): Promise<string[]> => {
  const { events } = await environment.client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).flatMap((event) => {
    const activity = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (activity) return [activity];
    return event.timerFiredEventAttributes ? ['waited'] : [];
  });
};

describe('A nudge during the last look is not lost', () => {
  const startCheckout = async (session?: CheckoutRun['session']) => {
    const input = { tenantId: 'ten_a', checkoutId: `chk_${randomUUID()}`, ...(session && { session }) };
    const workflowId = checkoutWorkflowId(input.tenantId, input.checkoutId);
    return environment.client.workflow.start<(input: CheckoutRun) => Promise<CheckoutEnd>>(names.checkout, {
      workflowId,
      taskQueue: 'billing',
      args: [input],
    });
  };

  it('a checkout looks again without a pause', async () => {
    let workflowId = '';
    const world = createWorld({
      readCheckoutSession: async () => {
        if (world.session === 'complete') return 'complete';
        // The customer pays, and Stripe says so, while the answer "open" is on its way.
        world.session = 'complete';
        await nudge(workflowId);
        return 'open';
      },
    });
    await withWorker(environment, world.activities, async () => {
      const handle = await startCheckout();
      ({ workflowId } = handle);
      expect(await handle.result()).toBe('completed');
    });
    const story = await storyOf(workflowId);
    const looks = story.slice(story.indexOf('readCheckoutSession'));
    expect(looks).toEqual([
      'readCheckoutSession',
      'readCheckoutSession',
      'startSubscription',
      'closeCheckout',
    ]);
  });

  it('a checkout that goes on as a new run begins with a look', async () => {
    const world = createWorld();
    world.session = 'complete';
    await withWorker(environment, world.activities, async () => {
      const now = await environment.currentTimeMs();
      const handle = await startCheckout({
        sessionId: 'cs_1',
        url: 'https://checkout.stripe.test/cs_1',
        expiresAt: instant(now + DAY),
      });
      expect(await handle.result()).toBe('completed');
      expect(await storyOf(handle.workflowId)).toEqual([
        'readCheckoutSession',
        'startSubscription',
        'closeCheckout',
      ]);
    });
  });

  type Subscription = (input: SubscriptionInput) => Promise<SubscriptionView>;
  const startSubscription = (tenantId: string) =>
    environment.client.workflow.start<Subscription>(names.subscription, {
      workflowId: subscriptionWorkflowId(tenantId),
      taskQueue: 'billing',
      args: [{ tenantId }],
    });

  it('a subscription that is about to end looks again', async () => {
    const now = await environment.currentTimeMs();
    const tenantId = `ten_${randomUUID()}`;
    const over = { subscription: monthly(now, { status: 'canceled' }), stripeNow: instant(now) };
    let looks = 0;
    const world = createWorld({
      applySubscription: async () => {
        looks += 1;
        // The tenant buys again while Stripe's answer "canceled" is on its way.
        if (looks === 1) await nudge(subscriptionWorkflowId(tenantId));
        return looks === 2 ? { subscription: monthly(now), stripeNow: instant(now) } : over;
      },
    });
    await withWorker(environment, world.activities, async () => {
      const handle = await startSubscription(tenantId);
      while (looks < 2) await environment.sleep(10);
      await nudge(handle.workflowId);
      expect(await handle.result()).toMatchObject({ tier: 'free', status: 'cancelled' });
      expect(await storyOf(handle.workflowId)).toEqual([
        'applySubscription',
        'applySubscription',
        'applySubscription',
      ]);
    });
  });

  it('a subscription that goes on as a new run looks again', async () => {
    const now = await environment.currentTimeMs();
    const tenantId = `ten_${randomUUID()}`;
    const of = (from: number) => ({ subscription: monthly(from), stripeNow: instant(from) });
    const over = { subscription: monthly(now, { status: 'canceled' }), stripeNow: instant(now) };
    let looks = 0;
    const world = createWorld({
      applySubscription: async () => {
        looks += 1;
        if (looks === 1) return of(now);
        // The look that finds a new period is the last of its run.
        if (looks === 2) await nudge(subscriptionWorkflowId(tenantId));
        return looks === 2 ? of(now + 30 * DAY) : over;
      },
    });
    await withWorker(environment, world.activities, async () => {
      const handle = await startSubscription(tenantId);
      const { firstExecutionRunId } = handle;
      while (looks < 1) await environment.sleep(10);
      await nudge(handle.workflowId);
      expect(await handle.result()).toMatchObject({ status: 'cancelled' });
      const { runId } = await environment.client.workflow.getHandle(handle.workflowId).describe();
      expect(runId).not.toBe(firstExecutionRunId);
      expect(await storyOf(handle.workflowId, runId)).toEqual(['applySubscription']);
    });
  });
});
