import { randomUUID } from 'node:crypto';
import { names, subscriptionWorkflowId } from '@sentryagent/workflows/contracts';
import type { SubscriptionInput } from '@sentryagent/workflows/contracts';
import type { SubscriptionView } from '@sentryagent/workflows/rules/subscription';
import { expect, it } from 'vitest';
import { startEnvironment, withWorker } from './support/environment.ts';
import { createWorld, instant, monthly } from './support/fake-stripe.ts';

const DAY = 86_400_000;
const RENEWALS = 60;

it('Five years of renewals keep histories short', { timeout: 600_000 }, async () => {
  const environment = await startEnvironment();
  const first = await environment.currentTimeMs();
  const workflowId = subscriptionWorkflowId(`ten_${randomUUID()}`);
  const handle = () => environment.client.workflow.getHandle(workflowId);
  const mails = new Set<string>();
  let looks = 0;
  let nudges = 0;
  let looksOfNudges = 0;
  const world = createWorld({
    applySubscription: async () => {
      looks += 1;
      const now = await environment.currentTimeMs();
      const periods = Math.floor((now - first) / (30 * DAY));
      // One nudge a read would never let it wait; some arrive as a run ends.
      if (looks % 7 === 0) {
        nudges += 1;
        await handle().signal(names.nudge);
      } else if (looks % 7 === 1 && looks > 1) looksOfNudges += 1;
      const status = periods < RENEWALS ? 'active' : 'canceled';
      return { subscription: monthly(first + periods * 30 * DAY, { status }), stripeNow: instant(now) };
    },
    remindOwners: async ({ chargeAt, days }) => mails.add(`${chargeAt} ${days}`).size > 0,
  });
  const endOf = async (runId: string): Promise<{ length: number; next: string }> => {
    const { events } = await environment.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const last = events!.at(-1)!.workflowExecutionContinuedAsNewEventAttributes;
    return { length: events!.length, next: last?.newExecutionRunId ?? '' };
  };
  const lengths: number[] = [];
  await withWorker(environment, world.activities, async () => {
    const started = await environment.client.workflow.start<
      (input: SubscriptionInput) => Promise<SubscriptionView>
    >(names.subscription, {
      workflowId,
      taskQueue: 'billing',
      args: [{ tenantId: workflowId.split('/')[1]! }],
    });
    expect(await started.result()).toMatchObject({ status: 'cancelled' });
    for (let runId = started.firstExecutionRunId; runId;) {
      const { length, next } = await endOf(runId);
      lengths.push(length);
      runId = next;
    }
  });
  await environment.teardown();
  expect(lengths).toHaveLength(RENEWALS);
  expect(Math.max(...lengths)).toBeLessThan(1_000);
  expect(looksOfNudges).toBe(nudges);
  expect(mails.size).toBe(2 * RENEWALS);
  console.log(`${RENEWALS} renewals: ${looks} reads, the longest run has ${Math.max(...lengths)} events`);
});
