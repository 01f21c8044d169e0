import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  BILLING_QUEUE,
  checkoutWorkflowId,
  names,
  renewalReminderWorkflowId,
  subscriptionWorkflowId,
} from '@sentryagent/workflows/contracts';
import { instant, monthly } from './fake-stripe.ts';
import type { World } from './fake-stripe.ts';

const DAY = 86_400_000;

type Run = Awaited<ReturnType<TestWorkflowEnvironment['client']['workflow']['start']>>;
type Lives = Record<string, (world: World) => Promise<Run>>;

/** Waits for the activities that a run has called so far. */
const looks = async (
  environment: TestWorkflowEnvironment,
  { calls }: World,
  isDone: (calls: string[]) => boolean,
): Promise<void> => {
  while (!isDone(calls)) await environment.sleep(10);
};

const checkoutLives = (environment: TestWorkflowEnvironment): Lives => {
  const open = async (): Promise<Run> => {
    const [tenantId, checkoutId] = [`ten_${randomUUID()}`, `chk_${randomUUID()}`];
    const run = await environment.client.workflow.start(names.checkout, {
      workflowId: checkoutWorkflowId(tenantId, checkoutId),
      taskQueue: BILLING_QUEUE,
      args: [{ tenantId, checkoutId }],
    });
    await run.executeUpdate(names.open, { updateId: names.open });
    return run;
  };
  const until = (world: World, count: number) => looks(environment, world, ({ length }) => length >= count);
  return {
    'checkout-paid': async (world) => {
      const run = await open();
      await run.signal(names.nudge);
      await until(world, 2);
      world.session = 'complete';
      await run.signal(names.nudge);
      return run;
    },
    'checkout-settled-later': async (world) => {
      const run = await open();
      world.session = 'processing';
      await run.signal(names.nudge);
      await looks(environment, world, (calls) => calls.includes('showProcessing'));
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
  };
};

const subscriptionLives = (environment: TestWorkflowEnvironment): Lives => {
  const start = (): Promise<Run> => {
    const tenantId = `ten_${randomUUID()}`;
    return environment.client.workflow.start(names.subscription, {
      workflowId: subscriptionWorkflowId(tenantId),
      taskQueue: BILLING_QUEUE,
      args: [{ tenantId }],
    });
  };
  const until = (world: World, count: number) =>
    looks(
      environment,
      world,
      (calls) => calls.filter((name) => name === 'applySubscription').length >= count,
    );
  return {
    'subscription-renewed': async (world) => {
      const now = await environment.currentTimeMs();
      world.reading = { subscription: monthly(now), stripeNow: instant(now) };
      const run = await start();
      await until(world, 1);
      world.reading = { subscription: monthly(now, { status: 'past_due' }), stripeNow: instant(now) };
      await run.signal(names.nudge);
      await until(world, 2);
      world.reading = { subscription: monthly(now + 30 * DAY), stripeNow: instant(now + 30 * DAY) };
      await run.signal(names.nudge);
      await until(world, 4);
      world.reading = { subscription: monthly(now, { status: 'canceled' }), stripeNow: instant(now) };
      await run.signal(names.nudge);
      return run;
    },
    /** Each update, with the reminder that a cancellation stops and a new charge starts again. */
    'subscription-updated': async (world) => {
      const now = await environment.currentTimeMs();
      const stripeNow = instant(now);
      world.reading = { subscription: monthly(now), stripeNow };
      const run = await start();
      for (const name of [names.resync, names.cancel, names.resume]) await run.executeUpdate(name);
      const failed = { status: 'past_due', failedAt: stripeNow } as const;
      world.reading = { subscription: monthly(now, failed), stripeNow };
      await run.executeUpdate(names.resync);
      await run.executeUpdate(names.extendGrace, { args: [{ until: instant(now + 10 * DAY) }] });
      world.reading = { subscription: monthly(now, { status: 'canceled' }), stripeNow };
      await run.signal(names.nudge);
      return run;
    },
  };
};

const reminderLives = (environment: TestWorkflowEnvironment): Lives => {
  const start = async (): Promise<Run> => {
    const [tenantId, now] = [`ten_${randomUUID()}`, await environment.currentTimeMs()];
    const chargeAt = instant(now + 30 * DAY);
    return environment.client.workflow.start(names.renewalReminder, {
      workflowId: renewalReminderWorkflowId(tenantId, chargeAt),
      taskQueue: BILLING_QUEUE,
      args: [{ tenantId, chargeAt, offsetMs: 0 }],
    });
  };
  return {
    'renewal-reminder-sent': () => start(),
    'renewal-reminder-stopped': async (world) => {
      const run = await start();
      await run.signal(names.moveClock, 24 * DAY);
      await looks(environment, world, (calls) => calls.includes('remindOwners'));
      await run.signal(names.stop);
      return run;
    },
  };
};

/** What the recorded runs go through. Each returns the run to keep. */
export const lives = (environment: TestWorkflowEnvironment): Lives => ({
  ...checkoutLives(environment),
  ...subscriptionLives(environment),
  ...reminderLives(environment),
});
