import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { checkoutWorkflowId, names } from '@sentryagent/workflows/contracts';
import type { CheckoutInput, CheckoutState, OpenedCheckout } from '@sentryagent/workflows/contracts';
import type { CheckoutEnd } from '@sentryagent/workflows/rules/checkout';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../dev/test/support/until.ts';
import { startEnvironment, withWorker } from './support/environment.ts';
import { createWorld } from './support/fake-stripe.ts';
import type { World } from './support/fake-stripe.ts';

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startEnvironment();
});
afterAll(() => environment.teardown());

type Checkout = (input: CheckoutInput) => Promise<CheckoutEnd>;

const start = async () => {
  const input = { tenantId: 'ten_a', checkoutId: `chk_${randomUUID()}` };
  return environment.client.workflow.start<Checkout>(names.checkout, {
    workflowId: checkoutWorkflowId(input.tenantId, input.checkoutId),
    taskQueue: 'billing',
    args: [input],
  });
};
type Handle = Awaited<ReturnType<typeof start>>;

const open = (handle: Pick<Handle, 'executeUpdate'>) =>
  handle.executeUpdate<OpenedCheckout, []>(names.open, { updateId: names.open });
const stateOf = (handle: Handle) => handle.query<CheckoutState>(names.state);
const run = <T>(world: World, work: () => Promise<T>): Promise<T> =>
  withWorker(environment, world.activities, work);

describe('checkout', () => {
  it('answers the page, waits, and ends as completed when a nudge finds it paid', async () => {
    const world = createWorld();
    await run(world, async () => {
      const handle = await start();
      expect(await open(handle)).toEqual({ url: 'https://checkout.stripe.test/cs_1' });
      expect(await stateOf(handle)).toMatchObject({ status: 'open', sessionId: 'cs_1' });
      world.session = 'complete';
      await handle.signal(names.nudge);
      expect(await handle.result()).toBe('completed');
      expect(world.calls).toEqual([
        'openCheckoutSession',
        'readCheckoutSession',
        'startSubscription',
        'closeCheckout',
      ]);
    });
  });

  it('gives a second caller the same page, and opens no second one', async () => {
    const world = createWorld();
    await run(world, async () => {
      const handle = await start();
      const pages = await Promise.all([open(handle), open(handle), open(handle)]);
      expect(new Set(pages.map(({ url }) => url)).size).toBe(1);
      expect(world.calls).toEqual(['openCheckoutSession']);
      world.session = 'complete';
      await handle.signal(names.nudge);
      expect(await handle.result()).toBe('completed');
    });
  });

  it.each([
    ['complete', 'completed'],
    ['failed', 'failed'],
  ] as const)('waits for a payment that settles days later: %s', async (settled, end) => {
    const world = createWorld();
    await run(world, async () => {
      const handle = await start();
      await open(handle);
      world.session = 'processing';
      await handle.signal(names.nudge);
      await until('the payment is shown', async () => (await stateOf(handle)).status === 'processing');
      // The session's own expiry has passed by then.
      await environment.sleep('3 days');
      expect(await stateOf(handle)).toMatchObject({ status: 'processing' });
      world.session = settled;
      await handle.signal(names.nudge);
      expect(await handle.result()).toBe(end);
      expect(world.calls.filter((name) => name === 'showProcessing')).toHaveLength(1);
      expect(world.calls.includes('startSubscription')).toBe(settled === 'complete');
      expect(world.calls.at(-1)).toBe('closeCheckout');
    });
  });

  it('cannot be cancelled while a payment settles', async () => {
    const world = createWorld();
    await run(world, async () => {
      const handle = await start();
      await open(handle);
      world.session = 'processing';
      await handle.cancel();
      await until('it is read again', async () => world.calls.includes('showProcessing'));
      world.session = 'complete';
      await handle.signal(names.nudge);
      expect(await handle.result()).toBe('completed');
    });
  });

  it('ends as expired when nobody has paid in time', async () => {
    const world = createWorld();
    await run(world, async () => {
      const handle = await start();
      await open(handle);
      expect(await handle.result()).toBe('expired');
      expect(world.calls.at(-2)).toBe('expireCheckoutSession');
      expect(world.calls.at(-1)).toBe('closeCheckout');
      expect(world.calls).not.toContain('startSubscription');
      // 23 hours, looked at with growing pauses of at most ten minutes.
      expect(world.calls.filter((name) => name === 'readCheckoutSession').length).toBeLessThan(150);
    });
  });

  it('reads a session whose time is over once more, and believes what it reads', async () => {
    let asked = 0;
    const world = createWorld({
      readCheckoutSession: async () => 'open',
      expireCheckoutSession: async () => {
        asked += 1;
        return 'complete';
      },
    });
    await run(world, async () => {
      const handle = await start();
      await open(handle);
      expect(await handle.result()).toBe('completed');
    });
    expect(asked).toBe(1);
    expect(world.calls).toContain('startSubscription');
  });

  it('ends in Paid though no webhook ever comes', async () => {
    const world = createWorld();
    await run(world, async () => {
      const handle = await start();
      await open(handle);
      world.session = 'complete';
      expect(await handle.result()).toBe('completed');
      expect(world.calls.filter((name) => name === 'readCheckoutSession')).toHaveLength(1);
    });
  });

  it('a late webhook finds the run ended, and raises nothing', async () => {
    const world = createWorld();
    await run(world, async () => {
      const handle = await start();
      await open(handle);
      world.session = 'complete';
      expect(await handle.result()).toBe('completed');
      const calls = world.calls.length;
      await expect(handle.signal(names.nudge)).rejects.toThrow(WorkflowNotFoundError);
      await environment.sleep('1 hour');
      expect(world.calls).toHaveLength(calls);
    });
  });

  it('goes on after nudges that find the page still open: a declined card, a webhook of something else', async () => {
    const world = createWorld();
    await run(world, async () => {
      const handle = await start();
      await open(handle);
      const reads = () => world.calls.filter((name) => name === 'readCheckoutSession').length;
      for (let nudges = 1; nudges <= 3; nudges++) {
        await handle.signal(names.nudge);
        await until('the session is read', () => reads() >= nudges);
        expect(await stateOf(handle)).toMatchObject({ status: 'open' });
      }
      world.session = 'complete';
      await handle.signal(names.nudge);
      expect(await handle.result()).toBe('completed');
      expect(reads()).toBe(4);
    });
  });

  it('closes its row before it tells that Stripe refused', async () => {
    const world = createWorld({
      openCheckoutSession: () => Promise.reject(ApplicationFailure.nonRetryable('no', 'stripe_error')),
    });
    await run(world, async () => {
      const handle = await start();
      const refused = await open(handle).catch((error: unknown) => error);
      expect(world.calls).toEqual(['openCheckoutSession', 'closeCheckout']);
      expect(refused).toMatchObject({ cause: { type: 'session_refused' } });
      expect(await handle.result()).toBe('expired');
    });
  });

  it.each(['already_subscribed', 'payment_processing'])('tells the caller why: %s', async (type) => {
    const world = createWorld({
      openCheckoutSession: () => Promise.reject(ApplicationFailure.nonRetryable('no', type)),
    });
    await run(world, async () => {
      const handle = await start();
      const refused = await open(handle).catch((error: unknown) => error);
      expect(refused).toMatchObject({ cause: { type } });
      expect(await handle.result()).toBe('expired');
    });
  });

  it('gives up a Stripe that does not answer after a minute, and then no row is left open', async () => {
    const world = createWorld({
      openCheckoutSession: () => Promise.reject(ApplicationFailure.retryable('away', 'stripe_error')),
    });
    await run(world, async () => {
      const handle = await start();
      expect(await handle.result()).toBe('expired');
      expect(world.calls.at(-1)).toBe('closeCheckout');
      expect(world.calls.filter((name) => name === 'openCheckoutSession').length).toBeGreaterThan(2);
    });
  });

  it('an operator who cancels it closes the page first; a payment that was faster counts', async () => {
    for (const [session, end] of [
      ['open', 'expired'],
      ['complete', 'completed'],
    ] as const) {
      const world = createWorld();
      await run(world, async () => {
        const handle = await start();
        await open(handle);
        world.session = session;
        await handle.cancel();
        expect(await handle.result()).toBe(end);
        expect(world.calls.filter((name) => name === 'expireCheckoutSession')).toHaveLength(1);
      });
    }
  });
});
