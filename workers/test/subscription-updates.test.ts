import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { names, subscriptionWorkflowId } from '@sentryagent/workflows/contracts';
import type { CancellationChange, ExtendedGrace, SubscriptionInput } from '@sentryagent/workflows/contracts';
import type { SubscriptionView } from '@sentryagent/workflows/rules/subscription';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEnvironment, withWorker } from './support/environment.ts';
import { createWorld, instant, monthly } from './support/fake-stripe.ts';
import type { World } from './support/fake-stripe.ts';

const DAY = 86_400_000;

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startEnvironment();
});
afterAll(() => environment.teardown());

type Subscription = (input: SubscriptionInput) => Promise<SubscriptionView>;
const begin = () => {
  const tenantId = `ten_${randomUUID()}`;
  return environment.client.workflow.start<Subscription>(names.subscription, {
    workflowId: subscriptionWorkflowId(tenantId),
    taskQueue: 'billing',
    args: [{ tenantId }],
  });
};
type Handle = Awaited<ReturnType<typeof begin>>;

const change = (handle: Handle, name: string, input?: CancellationChange | ExtendedGrace) =>
  handle.executeUpdate<SubscriptionView, [typeof input]>(name, { args: [input] });

/** What the caller is told. */
const refusalOf = async (update: Promise<unknown>): Promise<string> => {
  const error: unknown = await update.catch((cause: unknown) => cause);
  const { cause } = error as { cause?: Error };
  return cause?.message ?? `not refused: ${JSON.stringify(error)}`;
};

/** Runs the work beside a subscription, and ends it. */
const during = async (world: World, work: (handle: Handle, now: number) => Promise<void>): Promise<void> => {
  const now = await environment.currentTimeMs();
  world.reading = { subscription: monthly(now), stripeNow: instant(now) };
  await withWorker(environment, world.activities, async () => {
    const handle = await begin();
    await expect.poll(() => handle.query<SubscriptionView | null>(names.state)).not.toBeNull();
    try {
      await work(handle, now);
    } finally {
      world.reading = { subscription: monthly(now, { status: 'canceled' }), stripeNow: instant(now) };
      await handle.signal(names.nudge);
      await handle.result();
    }
  });
};

const count = (world: World, name: string): number => world.calls.filter((call) => call === name).length;

describe('subscription', () => {
  it('Cancelling twice cancels once', async () => {
    const world = createWorld();
    await during(world, async (handle, now) => {
      const input = { requestedBy: { kind: 'member', id: 'usr_1' } } as const;
      const views = await Promise.all(Array.from({ length: 20 }, () => change(handle, names.cancel, input)));
      const view = { status: 'active', isCancelling: true, endsAt: instant(now + 30 * DAY), renewsAt: null };
      for (const one of views) expect(one).toMatchObject(view);
      expect(await change(handle, names.cancel, input)).toEqual(views[0]);
      expect(count(world, 'changeCancellation')).toBe(1);
    });
  });

  it('A cancellation is undone before its end', async () => {
    const world = createWorld();
    await during(world, async (handle, now) => {
      await change(handle, names.cancel);
      const view = await change(handle, names.resume);
      expect(view).toMatchObject({ isCancelling: false, endsAt: null, renewsAt: instant(now + 30 * DAY) });
      expect(await change(handle, names.resume)).toEqual(view);
      expect(count(world, 'changeCancellation')).toBe(2);
    });
  });

  it('shows what Stripe has after a change, and not what it had before', async () => {
    const world = createWorld();
    await during(world, async (handle) => {
      const reads = count(world, 'applySubscription');
      await change(handle, names.resync);
      expect(count(world, 'applySubscription')).toBe(reads + 1);
    });
  });

  it('tells the caller that Stripe refused, and goes on', async () => {
    const refuse = async () => {
      throw ApplicationFailure.nonRetryable('No such subscription: sub_secret', 'stripe_error');
    };
    const world = createWorld({ changeCancellation: refuse });
    await during(world, async (handle) => {
      const refusal = await refusalOf(change(handle, names.cancel));
      expect(refusal).toBe('Stripe did not accept the change. Nothing has changed.');
      expect(await change(handle, names.resync)).toMatchObject({ status: 'active', isCancelling: false });
    });
  });

  it('A change that is not confirmed is not called unmade', async () => {
    const world: World = createWorld({
      // Stripe has made the change, and then the database is unavailable for more than a minute.
      changeCancellation: async () => {
        world.reading.subscription!.cancelAt = world.reading.subscription!.periodEnd;
        throw ApplicationFailure.retryable('service_unavailable', 'service_unavailable');
      },
    });
    await during(world, async (handle) => {
      expect(await refusalOf(change(handle, names.cancel))).toMatch(
        /not confirmed .* Stripe may have made it: send `resync`/,
      );
      expect(await change(handle, names.resync)).toMatchObject({ isCancelling: true });
    });
  });
});

describe('An operator repair with bad input is refused', () => {
  /** The updates that the history has. */
  const updatesIn = async (handle: Handle): Promise<(string | null | undefined)[]> =>
    ((await handle.fetchHistory()).events ?? []).flatMap(
      ({ workflowExecutionUpdateAcceptedEventAttributes: accepted }) =>
        accepted ? [accepted.acceptedRequest?.input?.name] : [],
    );

  it.each<[string, Partial<ExtendedGrace> | undefined, RegExp]>([
    ['no date', undefined, /Give `until` as a date/],
    ['no date at all', { until: 'tomorrow' }, /Give `until` as a date/],
    ['a date in the past', { until: '2020-01-01T00:00:00Z' }, /is in the past/],
    ['a date years ahead', { until: '9999-01-01T00:00:00Z' }, /more than 60 days ahead/],
  ])('extendGrace: %s', async (_what, input, reason) => {
    const world = createWorld();
    await during(world, async (handle, now) => {
      const failed = monthly(now, { status: 'past_due', failedAt: instant(now) });
      world.reading = { subscription: failed, stripeNow: instant(now) };
      await change(handle, names.resync);
      expect(await refusalOf(change(handle, names.extendGrace, input as ExtendedGrace))).toMatch(reason);
      expect(await updatesIn(handle)).toEqual([names.resync]);
      expect(count(world, 'extendGrace')).toBe(0);
    });
  });

  const requester = { requestedBy: { kind: 'member', id: 'usr_1' } };
  it.each<[string, string, unknown]>([
    ['null', names.cancel, null],
    ['a number', names.resume, 5],
    ['a list', names.cancel, [requester]],
    ['no requester in its place', names.cancel, { requestedBy: null }],
    ['a requester of another kind', names.resume, { requestedBy: { kind: 'root', id: 'usr_1' } }],
    ['a requester without an id', names.cancel, { requestedBy: { kind: 'member' } }],
    ['a requester whose id is an object', names.cancel, { requestedBy: { kind: 'member', id: {} } }],
    ['another tenant', names.cancel, { requestedBy: { ...requester.requestedBy, tenantId: 'ten_2' } }],
    ['null', names.extendGrace, null],
    ['a number for a date', names.extendGrace, { until: 2_027 }],
    ['a list for a date', names.extendGrace, { until: ['2027-01-01T00:00:00Z'] }],
    ['a requester of another kind', names.extendGrace, { requestedBy: { kind: 'root', id: 'x' }, until: '' }],
  ])('A repair with input of another type is refused: %s for %s', async (_what, name, input) => {
    const world = createWorld();
    await during(world, async (handle, now) => {
      const failed = monthly(now, { status: 'past_due', failedAt: instant(now) });
      world.reading = { subscription: failed, stripeNow: instant(now) };
      await change(handle, names.resync);
      expect(await refusalOf(change(handle, name, input as ExtendedGrace))).toMatch(/^(Give|Leave) /);
      expect(await updatesIn(handle)).toEqual([names.resync]);
      expect([count(world, 'changeCancellation'), count(world, 'extendGrace')]).toEqual([0, 0]);
    });
  });

  it('extendGrace: no payment has failed', async () => {
    await during(createWorld(), async (handle, now) => {
      const until = instant(now + 10 * DAY);
      expect(await refusalOf(change(handle, names.extendGrace, { until }))).toMatch(/No payment has failed/);
    });
  });

  it('cancel: there is nothing to cancel', async () => {
    const world = createWorld();
    await during(world, async (handle, now) => {
      const incomplete = monthly(now, { status: 'incomplete' });
      world.reading = { subscription: incomplete, stripeNow: instant(now) };
      await change(handle, names.resync);
      expect(await refusalOf(change(handle, names.cancel))).toMatch(/has no subscription, or it has ended/);
    });
  });

  it('and one with good input takes effect: extendGrace', async () => {
    const world = createWorld();
    await during(world, async (handle, now) => {
      const failed = monthly(now, { status: 'past_due', failedAt: instant(now - 8 * DAY) });
      world.reading = { subscription: failed, stripeNow: instant(now) };
      expect(await change(handle, names.resync)).toMatchObject({ tier: 'free', status: 'payment_failed' });
      const until = instant(now + 10 * DAY);
      expect(await change(handle, names.extendGrace, { until })).toMatchObject({
        tier: 'paid',
        status: 'past_due',
        graceEndsAt: until,
      });
    });
  });
});
