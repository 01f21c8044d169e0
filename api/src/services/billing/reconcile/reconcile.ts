import { subscriptionWorkflowId, type ReconciledPage } from '@sentryagent/workflows/contracts';
import type { Temporal } from '../../../platform/temporal.ts';
import type { WorkflowDeps } from '../stripe-deps.ts';
import { recoverAuditedEvents } from '../events/poll-stripe-events.ts';
import { startSubscription } from '../subscription/start-subscription.ts';
import { comparePage, comparePaidTenants } from './find-drift.ts';

const DEADLINE_MS = 5_000;

/** The tenants of the page whose workflow does not run. Temporal's list can be some seconds late. */
export const withoutRun = async (temporal: Temporal, tenants: readonly string[]): Promise<string[]> => {
  if (tenants.length === 0) return [];
  const ids = tenants.map((tenantId) => `'${subscriptionWorkflowId(tenantId)}'`);
  const running = new Set<string>();
  await temporal.within(DEADLINE_MS, async ({ workflow }) => {
    const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${ids.join(', ')})`;
    for await (const { workflowId } of workflow.list({ query })) running.add(workflowId);
  });
  return tenants.filter((tenantId) => !running.has(subscriptionWorkflowId(tenantId)));
};

/**
 * Compares a page of Stripe's subscriptions with our rows. Nudges the tenants that differ, and those without a
 * workflow. The first page also stores the refunds and disputes whose webhooks were lost.
 */
export const reconcileStripe = async (
  deps: WorkflowDeps,
  { after }: { after: string | null },
): Promise<ReconciledPage> => {
  if (after === null) await recoverAuditedEvents(deps.db, deps.stripe, deps.clock());
  const { next, tenants, drifts } = await comparePage(deps, after);
  const nudged = new Set([
    ...drifts.map(({ tenantId }) => tenantId),
    ...(await withoutRun(deps.temporal, tenants)),
  ]);
  for (const tenantId of nudged) await startSubscription(deps.temporal, tenantId);
  return { next, compared: tenants.length, drifted: nudged.size };
};

/** Nudges each tenant that is paid in our rows and whose subscription at Stripe differs. Returns their number. */
export const reconcilePaidTenants = async (deps: WorkflowDeps): Promise<number> => {
  const drifts = await comparePaidTenants(deps);
  for (const { tenantId } of drifts) await startSubscription(deps.temporal, tenantId);
  return drifts.length;
};
