import {
  ApplicationFailure,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import {
  BILLING_QUEUE,
  checkoutWorkflowId,
  failures,
  names,
  type CheckoutInput,
  type OpenedCheckout,
} from '@sentryagent/workflows/contracts';
import type { CheckoutEnd } from '@sentryagent/workflows/rules/checkout';
import { Checkout, unfinished } from '../../../models/checkout.ts';
import { newId } from '../../../platform/ids.ts';
import type { Origin, Principal } from '../../../platform/principal.ts';
import { Problem, unavailable } from '../../../platform/problem.ts';
import { Stripe } from '../../../platform/stripe.ts';
import type { Temporal } from '../../../platform/temporal.ts';
import { appendAudit } from '../../audit/append-audit.ts';
import { succeeded } from '../../audit/entry.ts';
import { countCheckout } from '../../limits/count-today.ts';
import { readTier } from '../../usage/read-tier.ts';
import type { WorkflowDeps } from '../stripe-deps.ts';
import { alreadySubscribed, paymentProcessing } from './already-subscribed.ts';
import { closeCheckout } from './close-checkout.ts';
import { repairCheckout } from './repair-checkout.ts';

/** The caller gets a response within 3 s. The rest is for the database. */
const DEADLINE_MS = 2_500;

export interface StartedCheckout {
  checkoutId: string;
  /** The URL of the Stripe session. */
  url: string;
}

interface OpenCheckout {
  checkoutId: string;
  isNew: boolean;
  /** A user may have been redirected to its Stripe session. */
  hasPage: boolean;
  /** The bank settles its payment later. */
  isProcessing: boolean;
}

export interface CheckoutRequest {
  origin: Origin;
  /** A path of the dashboard. */
  returnTo?: string | undefined;
}

/** Returns the tenant's unfinished checkout, or inserts one. The unique index allows only one, even for parallel requests. */
const takeOpenCheckout = (
  { db, clock }: WorkflowDeps,
  principal: Principal,
  { origin, returnTo }: CheckoutRequest,
): Promise<OpenCheckout> =>
  db.withTenant(principal.tenantId, async (trx) => {
    const { tenantId } = principal;
    if ((await readTier(trx, tenantId)).price) throw alreadySubscribed();
    const at = clock();
    const row = {
      tenant_id: tenantId,
      id: newId('chk', at.getTime()),
      created_by: principal.id,
      created_at: at,
      return_to: returnTo ?? null,
    };
    const made = await trx('checkouts')
      .insert(row)
      .onConflict(trx.raw(`(tenant_id) where status in ('open', 'processing')`))
      .ignore()
      .returning('id');
    if (made.length === 0) {
      const open = await Checkout.query(trx).whereIn('status', unfinished).first();
      if (!open) throw unavailable(new Error('a checkout was closed at this very moment'));
      const isProcessing = open.status === 'processing';
      return { checkoutId: open.id, isNew: false, hasPage: open.sessionId !== null, isProcessing };
    }
    await countCheckout(trx, tenantId);
    const act = { actor: principal, origin, at };
    const metadata = { checkoutId: row.id };
    await appendAudit(trx, succeeded(act, { action: 'checkout.started', agentId: null, metadata }));
    return { checkoutId: row.id, isNew: true, hasPage: false, isProcessing: false };
  });

/**
 * Whether the workflow has ended although the row is open: an operator has terminated it, or Temporal has lost it.
 * Without a session, it may not have started yet.
 */
const hasEnded = (
  temporal: Temporal,
  tenantId: string,
  open: OpenCheckout,
  withinMs: number,
): Promise<boolean> =>
  temporal.within(withinMs, async ({ workflow }) => {
    try {
      const { status } = await workflow.getHandle(checkoutWorkflowId(tenantId, open.checkoutId)).describe();
      return status.name !== 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return open.hasPage;
      throw error;
    }
  });

/** Repairs the checkout if its workflow has ended. If Stripe cannot expire the session now, the checkout stays open. */
const giveUp = async (deps: WorkflowDeps, key: CheckoutInput): Promise<void> => {
  await closeCheckout(deps, key, 'expired', { session_id: null });
  try {
    await repairCheckout(deps, key);
  } catch (error) {
    throw error instanceof Stripe.errors.StripeError ? unavailable(error) : error;
  }
};

const toProblem = (error: unknown): unknown => {
  // The workflow has just ended.
  if (error instanceof WorkflowExecutionAlreadyStartedError) return unavailable(error);
  if (!(error instanceof WorkflowUpdateFailedError)) return error;
  const type = error.cause instanceof ApplicationFailure ? error.cause.type : undefined;
  if (type === failures.alreadySubscribed) return alreadySubscribed();
  if (type === failures.paymentProcessing) return paymentProcessing();
  return new Problem('service_unavailable', 'Stripe did not create a checkout page. Please try again.', {
    headers: { 'Retry-After': '1' },
    cause: error,
  });
};

/**
 * Starts the workflow, or uses the running one. The update id is fixed, so a second click gets the first one's answer.
 */
const openPage = async (temporal: Temporal, input: CheckoutInput, withinMs: number): Promise<string> => {
  type CheckoutWorkflow = (input: CheckoutInput) => Promise<CheckoutEnd>;
  const startWorkflowOperation = new WithStartWorkflowOperation<CheckoutWorkflow>(names.checkout, {
    workflowId: checkoutWorkflowId(input.tenantId, input.checkoutId),
    taskQueue: BILLING_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    staticSummary: `Checkout of ${input.tenantId}`,
    staticDetails:
      'One checkout. It completes when its Stripe session is paid or has expired. ' +
      'Cancel it to expire the session. Signal `nudge` to read the session from Stripe now.',
  });
  try {
    const { url } = await temporal.within(withinMs, ({ workflow }) =>
      workflow.executeUpdateWithStart<CheckoutWorkflow, OpenedCheckout, []>(names.open, {
        updateId: names.open,
        startWorkflowOperation,
      }),
    );
    return url;
  } catch (error) {
    throw toProblem(error);
  }
};

/**
 * Returns the Stripe URL of the tenant's open checkout. Problems: `already_subscribed`, `payment_processing`,
 * `daily_limit`, `service_unavailable` (Temporal or Stripe is unavailable).
 */
export const startCheckout = async (
  deps: WorkflowDeps,
  principal: Principal,
  request: CheckoutRequest,
): Promise<StartedCheckout> => {
  const { tenantId } = principal;
  const deadline = performance.now() + DEADLINE_MS;
  const leftMs = (): number => Math.max(1, deadline - performance.now());
  let taken = await takeOpenCheckout(deps, principal, request);
  if (!taken.isNew && (await hasEnded(deps.temporal, tenantId, taken, leftMs()))) {
    await giveUp(deps, { tenantId, checkoutId: taken.checkoutId });
    taken = await takeOpenCheckout(deps, principal, request);
  }
  if (taken.isProcessing) throw paymentProcessing();
  const { checkoutId } = taken;
  return { checkoutId, url: await openPage(deps.temporal, { tenantId, checkoutId }, leftMs()) };
};
