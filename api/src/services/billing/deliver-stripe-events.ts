import type { Transaction } from '../../platform/database.ts';
import { nudgeCheckout, nudgeSubscription } from './nudge.ts';
import { repairCheckout } from './repair-checkout.ts';
import type { RepairCheckoutDeps } from './repair-checkout.ts';

const BATCH = 50;

interface Taken {
  event_id: string;
  /** None where the event is of a customer that is not ours. */
  tenant_id: string | null;
  /** The tenant's open checkout. */
  checkout_id: string | null;
}

const nudge = async (
  deps: RepairCheckoutDeps,
  tenantId: string,
  checkoutId: string | null,
): Promise<void> => {
  if (checkoutId !== null && !(await nudgeCheckout(deps.temporal, tenantId, checkoutId))) {
    await repairCheckout(deps, { tenantId, checkoutId });
  }
  await nudgeSubscription(deps.temporal, tenantId);
};

/** One tenant's trouble does not keep the others waiting: its own events stay. */
const deliverBatch = async (deps: RepairCheckoutDeps, trx: Transaction): Promise<boolean> => {
  const { rows } = await trx.raw<{ rows: Taken[] }>('select * from take_stripe_events(?)', [BATCH]);
  const byTenant = Map.groupBy(rows, ({ tenant_id: tenantId }) => tenantId);
  const outcomes = await Promise.allSettled(
    [...byTenant].map(async ([tenantId, events]) => {
      if (tenantId !== null) await nudge(deps, tenantId, events[0]!.checkout_id);
      return events.map(({ event_id: id }) => id);
    }),
  );
  const settled = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
  await trx.raw('select settle_stripe_events(?)', [settled]);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed && settled.length === 0) throw failed.reason;
  return !failed && rows.length === BATCH;
};

/**
 * Nudges the workflows that the stored events are about. Where Temporal is away the events stay for the next time.
 * Several processes may do this at once: the rows in work are locked.
 */
export const deliverStripeEvents = async (deps: RepairCheckoutDeps): Promise<void> => {
  while (await deps.db.acrossTenants((trx) => deliverBatch(deps, trx)));
};
