import {
  viewOf,
  type SubscriptionReading,
  type SubscriptionView,
} from '@sentryagent/workflows/rules/subscription';
import { StripeCustomer } from '../../../models/stripe-customer.ts';
import { TenantSubscription } from '../../../models/tenant-subscription.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Database, Transaction } from '../../../platform/database.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import { appendAudit } from '../../audit/append-audit.ts';
import { succeeded } from '../../audit/entry.ts';
import { readSubscription } from './read-subscription.ts';

export interface ApplySubscriptionDeps {
  db: Database;
  stripe: Stripe;
  clock: Clock;
}

/** Takes the number before the read, so a read with a higher number has a later state. */
const beginReading = (db: Database, tenantId: string) =>
  db.withTenant(tenantId, async (trx) => {
    const { rows } = await trx.raw<{ rows: { number: number }[] }>(
      `select nextval('stripe_readings') as number`,
    );
    const customer = await StripeCustomer.query(trx).findById(tenantId);
    return { number: rows[0]!.number, customerId: customer?.customerId };
  });

const dateOf = (instant: string | null): Date | null => (instant === null ? null : new Date(instant));

const columnsOf = (view: SubscriptionView) => ({
  tier: view.tier,
  status: view.status,
  subscriptionId: view.subscriptionId,
  periodStart: dateOf(view.periodStart),
  periodEnd: dateOf(view.periodEnd),
  renewsAt: dateOf(view.renewsAt),
  endsAt: dateOf(view.endsAt),
});

type Columns = ReturnType<typeof columnsOf>;

const differs = (row: TenantSubscription, columns: Columns): boolean =>
  Object.entries(columns).some(
    ([name, value]) => JSON.stringify(row[name as keyof Columns]) !== JSON.stringify(value),
  );

const write = async (
  trx: Transaction,
  tenantId: string,
  number: number,
  columns: Columns,
  at: Date,
): Promise<void> => {
  const row = await TenantSubscription.query(trx).findById(tenantId).forUpdate().throwIfNotFound();
  if (row.reading >= number) return;
  await TenantSubscription.query(trx)
    .findById(tenantId)
    .patch({ ...columns, reading: number });
  if (!differs(row, columns)) return;
  const actor = { tenantId, kind: 'system', id: 'subscription' } as const;
  const origin = { requestId: `subscription/${tenantId}`, ip: null, userAgent: null };
  const { tier, status, subscriptionId } = columns;
  const metadata = { tier, status, subscriptionId };
  await appendAudit(
    trx,
    succeeded({ actor, origin, at }, { action: 'subscription.updated', agentId: null, metadata }),
  );
};

/**
 * Reads the tenant's subscription from Stripe and updates our row. If a read with a higher number was written first,
 * writes nothing.
 */
export const applySubscription = async (
  deps: ApplySubscriptionDeps,
  tenantId: string,
): Promise<SubscriptionReading> => {
  const { number, customerId } = await beginReading(deps.db, tenantId);
  const reading: SubscriptionReading = customerId
    ? await readSubscription(deps, customerId)
    : { subscription: null, stripeNow: deps.clock().toISOString() };
  const columns = columnsOf(viewOf(reading.subscription));
  await deps.db.withTenant(tenantId, (trx) => write(trx, tenantId, number, columns, deps.clock()));
  return reading;
};
