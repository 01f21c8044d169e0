import { holdsTheTenant } from '@sentryagent/workflows/rules/subscription';
import type { Requester, SubscriptionActivities } from '@sentryagent/workflows/contracts';
import { derivedId } from '../../../platform/ids.ts';
import { appendAuditOnce } from '../../audit/append-audit.ts';
import { backgroundAct, succeeded, type AuditAction } from '../../audit/entry.ts';
import type { StripeDeps } from '../stripe-deps.ts';
import { findCustomer } from '../find-customer.ts';
import { notSubscribed } from '../not-subscribed.ts';
import { findSubscription, type FoundSubscription } from './read-subscription.ts';

type Input<Name extends keyof SubscriptionActivities> = Parameters<SubscriptionActivities[Name]>[0];

/** Problem: `not_subscribed`. */
const requireSubscription = async (
  { db, stripe }: StripeDeps,
  tenantId: string,
): Promise<FoundSubscription> => {
  const customer = await findCustomer(db, tenantId);
  const found = customer ? await findSubscription(stripe, customer) : null;
  if (!found || !holdsTheTenant(found)) throw notSubscribed();
  return found;
};

/** One entry for each operation, however often the activity runs. */
const note = (
  { db, clock }: StripeDeps,
  { tenantId, operation, requestedBy }: { tenantId: string; operation: string; requestedBy: Requester },
  action: AuditAction,
  metadata: Record<string, unknown>,
): Promise<void> => {
  const act = backgroundAct({ tenantId, ...requestedBy }, operation, clock());
  const eventId = derivedId('evt', operation);
  const entry = succeeded(act, { action, agentId: null, metadata, eventId });
  return db.withTenant(tenantId, (trx) => appendAuditOnce(trx, entry));
};

/** A date that was set at Stripe is no end of a period, so it is unset as what it is. */
const cancellation = (isCancelling: boolean, { endsWithPeriod }: FoundSubscription) =>
  isCancelling || endsWithPeriod ? { cancel_at_period_end: isCancelling } : { cancel_at: '' as const };

/**
 * Sets or removes the cancellation at the end of the period, and writes the audit entry. Asks Stripe nothing that it
 * has already done. Problem: `not_subscribed`.
 */
export const changeCancellation = async (
  deps: StripeDeps,
  input: Input<'changeCancellation'>,
): Promise<void> => {
  const { tenantId, isCancelling, operation } = input;
  const found = await requireSubscription(deps, tenantId);
  if ((found.cancelAt !== null) !== isCancelling) {
    await deps.stripe.subscriptions.update(found.id, cancellation(isCancelling, found), {
      idempotencyKey: operation,
    });
  }
  const action = isCancelling ? 'subscription.cancellation_requested' : 'subscription.resumed';
  await note(deps, input, action, { subscriptionId: found.id });
};

/** Stores a later end of grace at Stripe, and writes the audit entry. Problem: `not_subscribed`. */
export const extendGrace = async (deps: StripeDeps, input: Input<'extendGrace'>): Promise<void> => {
  const { tenantId, until, operation } = input;
  const found = await requireSubscription(deps, tenantId);
  if (found.graceUntil !== until) {
    const metadata = { grace_until: until };
    await deps.stripe.subscriptions.update(found.id, { metadata }, { idempotencyKey: operation });
  }
  await note(deps, input, 'subscription.grace_extended', { subscriptionId: found.id, until });
};
