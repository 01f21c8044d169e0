import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { checkoutWorkflowId, names } from '@sentryagent/workflows/contracts';
import type { CheckoutInput, CheckoutState, OpenedCheckout } from '@sentryagent/workflows/contracts';
import type { CheckoutEnd } from '@sentryagent/workflows/rules/checkout';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEnvironment, withWorker } from './support/environment.ts';
import { createWorld } from './support/fake-stripe.ts';

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startEnvironment();
});
afterAll(() => environment.teardown());

type Checkout = (input: CheckoutInput) => Promise<CheckoutEnd>;

// Temporal suggests a new run after 4,096 events, which takes half a minute.
it('A checkout keeps its history short however often it is nudged, and its page the same', async () => {
  const world = createWorld();
  await withWorker(environment, world.activities, async () => {
    const input = { tenantId: 'ten_a', checkoutId: `chk_${randomUUID()}` };
    const handle = await environment.client.workflow.start<Checkout>(names.checkout, {
      workflowId: checkoutWorkflowId(input.tenantId, input.checkoutId),
      taskQueue: 'billing',
      args: [input],
    });
    const open = (run: Pick<typeof handle, 'executeUpdate'>) =>
      run.executeUpdate<OpenedCheckout, []>(names.open, { updateId: names.open });
    const page = await open(handle);
    // Somebody asks how it stands, every second for hours.
    for (let looks = 1; looks <= 500; looks++) {
      await handle.signal(names.nudge);
      while (world.calls.length <= looks) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const latest = environment.client.workflow.getHandle<Checkout>(handle.workflowId);
    const { runId, historyLength } = await latest.describe();
    expect(runId).not.toBe(handle.firstExecutionRunId);
    expect(historyLength).toBeLessThan(4_200);
    expect(await open(latest)).toEqual(page);
    expect(await latest.query<CheckoutState>(names.state)).toMatchObject({
      status: 'open',
      sessionId: 'cs_1',
    });
    world.session = 'complete';
    await latest.signal(names.nudge);
    expect(await latest.result()).toBe('completed');
    expect(world.calls.filter((name) => name === 'openCheckoutSession')).toHaveLength(1);
  });
});
