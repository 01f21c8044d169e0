import {
  ApplicationFailure,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { BILLING_QUEUE, checkoutWorkflowId, failures, names } from '@sentryagent/workflows/contracts';
import type { CheckoutInput, OpenedCheckout } from '@sentryagent/workflows/contracts';
import type { CheckoutEnd } from '@sentryagent/workflows/rules/checkout';
import { Checkout } from '../../../models/checkout.ts';
import { newId } from '../../../platform/ids.ts';
import type { Origin, Principal } from '../../../platform/principal.ts';
import { Problem, unavailable } from '../../../platform/problem.ts';
import { Stripe } from '../../../platform/stripe.ts';
import type { Temporal } from '../../../platform/temporal.ts';
import { appendAudit } from '../../audit/append-audit.ts';
import { succeeded } from '../../audit/entry.ts';
import { countCheckout } from '../../limits/count-today.ts';
import { readTier } from '../../usage/read-tier.ts';
import { alreadySubscribed } from './already-subscribed.ts';
import { closeCheckout } from './close-checkout.ts';
import { repairCheckout } from './repair-checkout.ts';
import type { RepairCheckoutDeps } from './repair-checkout.ts';

/** Within the 3 s that the caller is promised, with some left for the database. */
const DEADLINE_MS = 2_500;

export interface StartedCheckout {
  checkoutId: string;
  /** Stripe's page. */
  url: string;
}

interface OpenCheckout {
  checkoutId: string;
  isNew: boolean;
  /** Somebody may have been led to its page at Stripe. */
  hasPage: boolean;
}

/** The tenant's one open checkout, made where there is none: the unique index decides between two at once. */
const takeOpenCheckout = (
  { db, clock }: RepairCheckoutDeps,
  principal: Principal,
  origin: Origin,
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
    };
    const made = await trx('checkouts')
      .insert(row)
      .onConflict(trx.raw(`(tenant_id) where status = 'open'`))
      .ignore()
      .returning('id');
    if (made.length === 0) {
      const open = await Checkout.query(trx).findOne({ status: 'open' });
      if (!open) throw unavailable(new Error('a checkout was closed at this very moment'));
      return { checkoutId: open.id, isNew: false, hasPage: open.sessionId !== null };
    }
    await countCheckout(trx, tenantId);
    const act = { actor: principal, origin, at };
    const metadata = { checkoutId: row.id };
    await appendAudit(trx, succeeded(act, { action: 'checkout.started', agentId: null, metadata }));
    return { checkoutId: row.id, isNew: true, hasPage: false };
  });

/**
 * Whether the checkout's run has ended although its row is open: somebody ended it from outside, or Temporal has lost
 * it. One that has no page may not have started yet.
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

/** Closes what a run that has ended left open; a page that Stripe will not close now is not given up. */
const giveUp = async (deps: RepairCheckoutDeps, key: CheckoutInput): Promise<void> => {
  await closeCheckout(deps, key, 'expired', { session_id: null });
  try {
    await repairCheckout(deps, key);
  } catch (error) {
    throw error instanceof Stripe.errors.StripeError ? unavailable(error) : error;
  }
};

const toProblem = (error: unknown): unknown => {
  // The run ended at this very moment.
  if (error instanceof WorkflowExecutionAlreadyStartedError) return unavailable(error);
  if (!(error instanceof WorkflowUpdateFailedError)) return error;
  const type = error.cause instanceof ApplicationFailure ? error.cause.type : undefined;
  if (type === failures.alreadySubscribed) return alreadySubscribed();
  return new Problem('service_unavailable', 'Stripe did not open a checkout. Please try again.', {
    headers: { 'Retry-After': '1' },
    cause: error,
  });
};

/** Starts the run, or joins the one that runs: the fixed update id makes a second click hear the first one's answer. */
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
      'One attempt to become paid. Ends when the page at Stripe is paid or its time is over. ' +
      'Cancel it to close the page; signal `nudge` to have it look at Stripe.',
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
 * Answers Stripe's page for the tenant's open checkout. Problems: `already_subscribed`, `daily_limit`,
 * `service_unavailable` (Temporal or Stripe is away).
 */
export const startCheckout = async (
  deps: RepairCheckoutDeps,
  principal: Principal,
  origin: Origin,
): Promise<StartedCheckout> => {
  const { tenantId } = principal;
  const deadline = performance.now() + DEADLINE_MS;
  const leftMs = (): number => Math.max(1, deadline - performance.now());
  const taken = await takeOpenCheckout(deps, principal, origin);
  let { checkoutId } = taken;
  if (!taken.isNew && (await hasEnded(deps.temporal, tenantId, taken, leftMs()))) {
    await giveUp(deps, { tenantId, checkoutId });
    ({ checkoutId } = await takeOpenCheckout(deps, principal, origin));
  }
  return { checkoutId, url: await openPage(deps.temporal, { tenantId, checkoutId }, leftMs()) };
};
