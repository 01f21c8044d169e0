import {
  ApplicationFailure,
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import {
  names,
  subscriptionFailures,
  type CancellationChange,
  type SubscriptionInput,
} from '@sentryagent/workflows/contracts';
import type { SubscriptionView } from '@sentryagent/workflows/rules/subscription';
import { TenantSubscription } from '../../../models/tenant-subscription.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Database } from '../../../platform/database.ts';
import type { Principal } from '../../../platform/principal.ts';
import { Problem } from '../../../platform/problem.ts';
import type { Temporal } from '../../../platform/temporal.ts';
import { notSubscribed } from '../not-subscribed.ts';
import { subscriptionOptions } from './start-subscription.ts';

/** The caller gets a response within 3 s. The rest is for the database. */
const DEADLINE_MS = 2_500;

/**
 * Temporal keeps the result of an update id, a failure too. So the id is the same only for clicks of the same moment,
 * and never after the row has been read again.
 */
const MOMENT_MS = 5_000;

/** The number of the last read. Problem: `not_subscribed`. */
const readingOf = (db: Database, tenantId: string): Promise<number> =>
  db.withTenant(tenantId, async (trx) => {
    const { subscriptionId, status, reading } = await TenantSubscription.query(trx)
      .findById(tenantId)
      .throwIfNotFound();
    if (subscriptionId === null || status === 'cancelled') throw notSubscribed();
    return reading;
  });

const toProblem = (error: unknown): unknown => {
  if (!(error instanceof WorkflowUpdateFailedError)) return error;
  const type = error.cause instanceof ApplicationFailure ? error.cause.type : undefined;
  if (type === subscriptionFailures.notSubscribed) return notSubscribed(error);
  return new Problem('service_unavailable', 'Stripe did not accept the change. Please try again.', {
    headers: { 'Retry-After': String(MOMENT_MS / 1_000) },
    cause: error,
  });
};

/**
 * Cancels the tenant's subscription at the end of its period, or resumes it, by an update of its workflow, which is
 * started if it does not run. Returns when our row shows the change. A repeated change asks Stripe nothing. Problems:
 * `not_subscribed`, `service_unavailable` (Temporal or Stripe is unavailable; the change may still happen).
 */
export const changeSubscription = async (
  { db, temporal, clock }: { db: Database; temporal: Temporal; clock: Clock },
  { tenantId, kind, id, token }: Principal,
  change: 'cancel' | 'resume',
): Promise<void> => {
  type Workflow = (input: SubscriptionInput) => Promise<SubscriptionView>;
  const reading = await readingOf(db, tenantId);
  const requestedBy = { kind, id: token?.clientId ?? id };
  const startWorkflowOperation = new WithStartWorkflowOperation<Workflow>(names.subscription, {
    ...subscriptionOptions(tenantId),
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  try {
    await temporal.within(DEADLINE_MS, ({ workflow }) =>
      workflow.executeUpdateWithStart<Workflow, SubscriptionView, [CancellationChange]>(names[change], {
        updateId: `${change}/${reading}/${Math.floor(clock().getTime() / MOMENT_MS)}`,
        args: [{ requestedBy }],
        startWorkflowOperation,
      }),
    );
  } catch (error) {
    throw toProblem(error);
  }
};
