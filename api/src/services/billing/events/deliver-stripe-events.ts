import { tiers } from '@sentryagent/workflows/rules/tiers';
import { TenantSubscription } from '../../../models/tenant-subscription.ts';
import type { Database } from '../../../platform/database.ts';
import { inTime } from '../../../platform/in-time.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { WorkflowDeps } from '../stripe-deps.ts';
import { repairCheckout } from '../checkout/repair-checkout.ts';
import { startSubscription } from '../subscription/start-subscription.ts';
import { auditEvents } from './audit-events.ts';
import { claimEvents, finishEvents, type Claimed, type Quarantine } from './inbox.ts';
import { nudgeCheckout, nudgeSubscription } from './nudge.ts';
import { tenantsBehind } from './tenants-behind.ts';

export interface DeliverDeps extends WorkflowDeps {
  logger: Logger;
}

const BATCH = 50;
/** In one run. The next run follows a second later. */
const MOST_BATCHES = 20;
const PATIENCE_MS = 8_000;
/** An event that was not delivered is tried again after this. It is longer than a delivery takes. */
const LEASE_SECONDS = 10;
const late = () => new Error(`a tenant was not nudged within ${PATIENCE_MS} ms`);

/** A paid tenant always has a workflow. If it is missing, an operator has terminated it, or Temporal has lost it. */
const isPaid = async (db: Database, tenantId: string): Promise<boolean> => {
  const row = await db.withTenant(tenantId, (trx) => TenantSubscription.query(trx).findById(tenantId));
  return row !== undefined && tiers[row.tier].price !== null;
};

const nudge = async (deps: DeliverDeps, tenantId: string, checkoutId: string | null): Promise<void> => {
  if (checkoutId !== null && !(await nudgeCheckout(deps.temporal, tenantId, checkoutId))) {
    await repairCheckout(deps, { tenantId, checkoutId });
  }
  if (await nudgeSubscription(deps.temporal, tenantId)) return;
  if (await isPaid(deps.db, tenantId)) await startSubscription(deps.temporal, tenantId);
};

/** Puts events aside, for operators. They change nothing. */
const quarantine = async (
  { db, logger }: DeliverDeps,
  events: readonly Claimed[],
  because: Quarantine,
): Promise<void> => {
  if (events.length === 0) return;
  await db.acrossTenants((trx) => finishEvents(trx, events, because));
  const ids = events.map(({ event_id: id }) => id);
  logger.warn({ events: ids, because }, 'Stripe events were put aside: npm run billing:events');
};

/** The metadata of an event must agree with our mapping, if it names a tenant at all. */
const agrees = ({ metadata_tenant_id: named }: Claimed, tenantId: string): boolean =>
  named === null || named === tenantId;

/** Nudges the tenant once for all its events. */
const deliverTo = async (deps: DeliverDeps, tenantId: string, events: readonly Claimed[]): Promise<void> => {
  const { true: own = [], false: others = [] } = Object.groupBy(events, (event) =>
    agrees(event, tenantId) ? 'true' : 'false',
  );
  await quarantine(deps, others, 'metadata_of_other_tenant');
  if (own.length === 0) return;
  await nudge(deps, tenantId, own[0]!.checkout_id);
  await auditEvents(deps, tenantId, own);
};

/** An event whose customer is none of ours, or that has no customer. */
const deliverOther = async (deps: DeliverDeps, event: Claimed): Promise<void> => {
  const tenants = await tenantsBehind(deps, event);
  if (tenants === undefined) return quarantine(deps, [event], 'unknown_customer');
  const [first, ...others] = tenants;
  for (const tenantId of others) await nudge(deps, tenantId, null);
  if (first !== undefined) return deliverTo(deps, first, [event]);
  await deps.db.acrossTenants((trx) => finishEvents(trx, [event]));
};

interface Batch {
  isFull: boolean;
  /** Why a tenant's events were not delivered. */
  failure: unknown;
}

/** If one tenant's delivery fails, only its own events stay stored. No transaction is open while Temporal is called. */
const deliverBatch = async (deps: DeliverDeps): Promise<Batch> => {
  const claimed = await claimEvents(deps.db, BATCH, LEASE_SECONDS);
  const groups = Map.groupBy(claimed, (event) => event.tenant_id ?? event.event_id);
  const outcomes = await Promise.allSettled(
    [...groups.values()].map((events) => {
      const [{ tenant_id: tenantId }] = events as [Claimed];
      const delivery = tenantId === null ? deliverOther(deps, events[0]!) : deliverTo(deps, tenantId, events);
      return inTime(PATIENCE_MS, delivery, late);
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  return { isFull: claimed.length === BATCH, failure: failed?.reason };
};

/**
 * Signals the workflows of the stored events. If Temporal is unavailable, the events stay for a later run. Several
 * processes can do this at once, because each claims its events.
 */
export const deliverStripeEvents = async (deps: DeliverDeps): Promise<void> => {
  let failure: unknown;
  for (let batches = 0; batches < MOST_BATCHES; batches++) {
    const batch = await deliverBatch(deps);
    failure ??= batch.failure;
    if (!batch.isFull) break;
  }
  if (failure) throw failure;
};
