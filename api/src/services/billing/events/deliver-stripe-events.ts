import { tiers } from '@sentryagent/workflows/rules/tiers';
import { TenantSubscription } from '../../../models/tenant-subscription.ts';
import type { Database, Transaction } from '../../../platform/database.ts';
import { inTime } from '../../../platform/in-time.ts';
import { nudgeCheckout, nudgeSubscription } from './nudge.ts';
import { repairCheckout, type RepairCheckoutDeps } from '../checkout/repair-checkout.ts';
import { startSubscription } from '../subscription/start-subscription.ts';

const BATCH = 50;
const LARGEST_BATCH = 16 * BATCH;
/** Postgres aborts a transaction that is idle for 10 s. This would undo the whole batch. */
const PATIENCE_MS = 8_000;
const late = () => new Error(`a tenant was not nudged within ${PATIENCE_MS} ms`);

interface Taken {
  event_id: string;
  /** `null` if the customer is not ours. */
  tenant_id: string | null;
  /** The tenant's open checkout. */
  checkout_id: string | null;
}

/** A paid tenant always has a workflow. If it is missing, an operator has terminated it, or Temporal has lost it. */
const isPaid = async (db: Database, tenantId: string): Promise<boolean> => {
  const row = await db.withTenant(tenantId, (trx) => TenantSubscription.query(trx).findById(tenantId));
  return row !== undefined && tiers[row.tier].price !== null;
};

const nudge = async (
  deps: RepairCheckoutDeps,
  tenantId: string,
  checkoutId: string | null,
): Promise<void> => {
  if (checkoutId !== null && !(await nudgeCheckout(deps.temporal, tenantId, checkoutId))) {
    await repairCheckout(deps, { tenantId, checkoutId });
  }
  if (await nudgeSubscription(deps.temporal, tenantId)) return;
  if (await isPaid(deps.db, tenantId)) await startSubscription(deps.temporal, tenantId);
};

interface Batch {
  isFull: boolean;
  /** Why a tenant's events were not delivered. */
  failure: unknown;
}

/** If one tenant's delivery fails, only its own events stay stored. */
const deliverBatch = async (deps: RepairCheckoutDeps, trx: Transaction, size: number): Promise<Batch> => {
  const { rows } = await trx.raw<{ rows: Taken[] }>('select * from take_stripe_events(?)', [size]);
  if (rows.length === 0) return { isFull: false, failure: undefined };
  const byTenant = Map.groupBy(rows, ({ tenant_id: tenantId }) => tenantId);
  const outcomes = await Promise.allSettled(
    [...byTenant].map(async ([tenantId, events]) => {
      if (tenantId !== null) {
        await inTime(PATIENCE_MS, nudge(deps, tenantId, events[0]!.checkout_id), late);
      }
      return events.map(({ event_id: id }) => id);
    }),
  );
  const settled = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
  await trx.raw('select settle_stripe_events(?)', [settled]);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  return { isFull: rows.length === size, failure: failed?.reason };
};

/**
 * Signals the workflows of the stored events. If Temporal is unavailable, the events stay for the next run. Several
 * processes can do this at once, because the rows in work are locked.
 */
export const deliverStripeEvents = async (deps: RepairCheckoutDeps): Promise<void> => {
  let failure: unknown;
  for (let size = BATCH; size <= LARGEST_BATCH;) {
    const batch = await deps.db.acrossTenants((trx) => deliverBatch(deps, trx, size));
    failure ??= batch.failure;
    if (!batch.isFull) break;
    // Failed events are the oldest, so the next batch would start with them again.
    if (batch.failure) size *= 2;
  }
  if (failure) throw failure;
};
