import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  names,
  renewalReminderWorkflowId,
  subscriptionWorkflowId,
  type SubscriptionInput,
} from '@sentryagent/workflows/contracts';
import type { StripeSubscription, SubscriptionView } from '@sentryagent/workflows/rules/subscription';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEnvironment, withWorker } from './support/environment.ts';
import { createWorld, instant, monthly } from './support/fake-stripe.ts';

const DAY = 86_400_000;

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startEnvironment();
});
afterAll(() => environment.teardown());

interface Mail {
  chargeAt: string;
  days: number;
  /** Whole days before the charge, by the clock of the customer. */
  sentBefore: number;
}

/**
 * A tenant whose Stripe has a clock of its own. `at` lays down what Stripe has from a day on; after the last day the
 * subscription has ended.
 */
const live = async (
  states: [day: number, subscription: (start: number) => StripeSubscription][],
  aheadDays = () => 0,
  /** Whether Stripe will still make the charge when the activity looks. */
  isCharged = () => true,
) => {
  const start = (await environment.currentTimeMs()) + DAY / 4;
  const tenantId = `ten_${randomUUID()}`;
  const mails: Mail[] = [];
  const stripeNow = async () => (await environment.currentTimeMs()) + aheadDays() * DAY;
  const reading = async () => {
    const now = await stripeNow();
    const [, current] = states.findLast(([day]) => day === 0 || now >= start + day * DAY)!;
    return { subscription: current(start), stripeNow: instant(now) };
  };
  const world = createWorld({
    applySubscription: reading,
    remindOwners: async ({ chargeAt, days }) => {
      mails.push({
        chargeAt,
        days,
        sentBefore: Math.round((Date.parse(chargeAt) - (await stripeNow())) / DAY),
      });
      return isCharged();
    },
  });
  const workflowId = subscriptionWorkflowId(tenantId);
  const begin = () =>
    environment.client.workflow.start<(input: SubscriptionInput) => Promise<SubscriptionView>>(
      names.subscription,
      {
        workflowId,
        taskQueue: 'billing',
        args: [{ tenantId }],
      },
    );
  const run = (work: (handle: Awaited<ReturnType<typeof begin>>) => Promise<unknown>) =>
    withWorker(environment, world.activities, async () => work(await begin()));
  const reminder = (chargeAt: number) =>
    environment.client.workflow.getHandle(renewalReminderWorkflowId(tenantId, instant(chargeAt)));
  return { start, mails, run, reminder, workflowId };
};

const ended = (start: number) => monthly(start, { status: 'canceled' });

describe('renewalReminder', () => {
  it('Owners are reminded before each renewal', async () => {
    const { start, mails, run } = await live([
      [0, (at) => monthly(at)],
      [30, (at) => monthly(at + 30 * DAY)],
      [60, ended],
    ]);
    await run((handle) => handle.result());
    const [first, second] = [instant(start + 30 * DAY), instant(start + 60 * DAY)];
    expect(mails).toEqual([
      { chargeAt: first, days: 7, sentBefore: 7 },
      { chargeAt: first, days: 1, sentBefore: 1 },
      { chargeAt: second, days: 7, sentBefore: 7 },
      { chargeAt: second, days: 1, sentBefore: 1 },
    ]);
  });

  it('reminds of the end of a trial', async () => {
    const trial = (at: number) =>
      monthly(at, {
        status: 'trialing',
        periodEnd: instant(at + 14 * DAY),
        trialEnd: instant(at + 14 * DAY),
      });
    const { mails, run } = await live([
      [0, trial],
      [14, ended],
    ]);
    await run((handle) => handle.result());
    expect(mails.map(({ sentBefore }) => sentBefore)).toEqual([7, 1]);
  });

  it('A changed period moves the reminder: to a later date', async () => {
    const { start, mails, run, reminder } = await live([
      [0, (at) => monthly(at)],
      [10, (at) => monthly(at, { periodEnd: instant(at + 45 * DAY) })],
      [45, ended],
    ]);
    await run((handle) => handle.result());
    expect(mails.map(({ chargeAt, sentBefore }) => [chargeAt, sentBefore])).toEqual([
      [instant(start + 45 * DAY), 7],
      [instant(start + 45 * DAY), 1],
    ]);
    expect((await reminder(start + 30 * DAY).describe()).status.name).toBe('COMPLETED');
  });

  it('A changed period moves the reminder: nobody is reminded of a cancelled renewal', async () => {
    const { mails, run } = await live([
      [0, (at) => monthly(at)],
      [10, (at) => monthly(at, { cancelAt: instant(at + 30 * DAY) })],
      [30, ended],
    ]);
    await run((handle) => handle.result());
    expect(mails).toEqual([]);
  });

  it('A changed period moves the reminder: one that Stripe no longer charges asks for no further mail', async () => {
    const states: Parameters<typeof live>[0] = [
      [0, (at) => monthly(at)],
      [30, ended],
    ];
    // As if the charge was cancelled just now, and its event had not come yet.
    const { start, mails, run, reminder } = await live(
      states,
      () => 0,
      () => false,
    );
    await run((handle) => handle.result());
    expect(mails.map(({ days }) => days)).toEqual([7]);
    expect((await reminder(start + 30 * DAY).describe()).status.name).toBe('COMPLETED');
  });

  it('A cancellation that is undone brings the reminder back', async () => {
    const { mails, run } = await live([
      [0, (at) => monthly(at)],
      [10, (at) => monthly(at, { cancelAt: instant(at + 30 * DAY) })],
      [24, (at) => monthly(at)],
      [30, ended],
    ]);
    await run((handle) => handle.result());
    // The first of the two was due on the 23rd, so its time had passed.
    expect(mails.map(({ days }) => days)).toEqual([1]);
  });

  it('Advancing the Stripe clock moves the reminder', async () => {
    let ahead = 0;
    const { mails, run, reminder, start } = await live(
      [
        [0, (at) => monthly(at)],
        [30, ended],
      ],
      () => ahead,
    );
    await run(async (handle) => {
      await expect
        .poll(() =>
          reminder(start + 30 * DAY)
            .describe()
            .then(
              ({ type }) => type,
              () => '',
            ),
        )
        .toBe('renewalReminder');
      ahead = 25;
      await handle.signal(names.nudge);
      await expect.poll(() => mails.map(({ days }) => days)).toEqual([7]);
      ahead = 31;
      await handle.signal(names.nudge);
      await handle.result();
    });
    // The charge has been made, so the second one is not sent.
    expect(mails).toHaveLength(1);
  });
});

it('A reminder that hangs does not hold up its subscription', async () => {
  const now = await environment.currentTimeMs();
  const { promise: hanging, resolve: goOn } = Promise.withResolvers<boolean>();
  const world = createWorld({ remindOwners: () => hanging });
  // The first reminder is due in two seconds.
  world.reading = { subscription: monthly(now - 23 * DAY + 2_000), stripeNow: instant(now) };
  const tenantId = `ten_${randomUUID()}`;
  await withWorker(environment, world.activities, async () => {
    const handle = await environment.client.workflow.start(names.subscription, {
      workflowId: subscriptionWorkflowId(tenantId),
      taskQueue: 'billing',
      args: [{ tenantId }],
    });
    try {
      await expect.poll(() => world.calls, { timeout: 20_000 }).toContain('remindOwners');
      const change = (name: string) => handle.executeUpdate<SubscriptionView, []>(name);
      expect(await change(names.cancel)).toMatchObject({ isCancelling: true });
      expect(await change(names.resume)).toMatchObject({ isCancelling: false });
      expect(await change(names.cancel)).toMatchObject({ isCancelling: true });
      world.reading = { subscription: ended(now), stripeNow: instant(now) };
      await handle.signal(names.nudge);
      expect(await handle.result()).toMatchObject({ tier: 'free', status: 'cancelled' });
    } finally {
      goOn(false);
    }
  });
});
