import {
  holdsTheTenant,
  viewOf,
  type SubscriptionReading,
  type SubscriptionView,
} from '@sentryagent/workflows/rules/subscription';
import { TenantSubscription } from '../../../models/tenant-subscription.ts';
import type { Database } from '../../../platform/database.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import type { StripeDeps } from '../stripe-deps.ts';
import { findTenants } from '../events/inbox.ts';
import { listSubscriptions, readSubscription, take } from '../subscription/read-subscription.ts';
import { viewOfRow } from '../subscription/view-of-row.ts';

/** A tenant whose row differs from Stripe. */
export interface Drift {
  tenantId: string;
  ours: SubscriptionView;
  stripe: SubscriptionView;
  /** Another live subscription of the customer, if Stripe's view would lower the tier. */
  otherLive: string | null;
}

export interface ComparedPage {
  /** The last subscription of the page; `null` after the last page. */
  next: string | null;
  /** The tenants of the page with a live subscription. */
  tenants: string[];
  drifts: Drift[];
}

const isSame = (ours: SubscriptionView, theirs: SubscriptionView): boolean =>
  JSON.stringify(ours) === JSON.stringify({ ...ours, ...theirs });

const readRow = (db: Database, tenantId: string): Promise<SubscriptionView> =>
  db.withTenant(tenantId, async (trx) =>
    viewOfRow(await TenantSubscription.query(trx).findById(tenantId).throwIfNotFound()),
  );

const otherLive = async (
  stripe: Stripe,
  customer: string,
  { subscription: chosen }: SubscriptionReading,
): Promise<string | null> => {
  const all = await listSubscriptions(stripe, customer);
  return all.find((one) => holdsTheTenant(one) && one.id !== chosen?.id)?.id ?? null;
};

/** Reads everything again, the row first, so that a change in between is at most one nudge too many. */
const compare = async (
  deps: StripeDeps,
  tenantId: string,
  customer: string | null,
): Promise<Drift | undefined> => {
  const ours = await readRow(deps.db, tenantId);
  const reading = await readSubscription(deps, customer);
  const stripe = viewOf(reading);
  if (isSame(ours, stripe)) return undefined;
  const isLowered = ours.tier !== 'free' && stripe.tier === 'free' && reading.subscription !== null;
  const other = isLowered && customer ? await otherLive(deps.stripe, customer, reading) : null;
  return { tenantId, ours, stripe, otherLive: other };
};

/** What a page of Stripe shows is enough for subscriptions whose payments work. */
const isSettled = async (
  { db, clock }: StripeDeps,
  tenantId: string,
  subscription: ReturnType<typeof take>,
): Promise<boolean> => {
  const { status } = subscription;
  if (status !== 'active' && status !== 'trialing') return false;
  return isSame(await readRow(db, tenantId), viewOf({ subscription, stripeNow: clock().toISOString() }));
};

/** Compares a page of Stripe's subscriptions with our rows. Those of test clocks are in no list of Stripe's. */
export const comparePage = async (deps: StripeDeps, after: string | null): Promise<ComparedPage> => {
  const { data, has_more: hasMore } = await deps.stripe.subscriptions.list({
    limit: 100,
    ...(after !== null && { starting_after: after }),
  });
  const found = data.map((one) => ({ customer: customerOf(one), subscription: take(one) }));
  const live = found.filter(({ subscription }) => holdsTheTenant(subscription));
  const byCustomer = await findTenants(
    deps.db,
    live.map(({ customer }) => customer),
  );
  const tenants = new Set<string>();
  const drifts: Drift[] = [];
  for (const { customer, subscription } of live) {
    const tenantId = byCustomer.get(customer);
    if (tenantId === undefined || tenants.has(tenantId)) continue;
    tenants.add(tenantId);
    const drift = (await isSettled(deps, tenantId, subscription))
      ? undefined
      : await compare(deps, tenantId, customer);
    if (drift) drifts.push(drift);
  }
  return { next: hasMore ? (data.at(-1)?.id ?? null) : null, tenants: [...tenants], drifts };
};

const customerOf = ({ customer }: Stripe.Subscription): string =>
  typeof customer === 'string' ? customer : customer.id;

interface PaidTenant {
  tenant_id: string;
  customer_id: string | null;
  subscription_id: string | null;
}

const PAGE = 500;

async function* paidTenants(db: Database): AsyncGenerator<PaidTenant> {
  for (let after = ''; ;) {
    const { rows } = await db.acrossTenants((trx) =>
      trx.raw<{ rows: PaidTenant[] }>('select * from list_paid_tenants(?, ?)', [after, PAGE]),
    );
    yield* rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.tenant_id;
  }
}

/** Compares the tenants that are paid in our rows and whose subscription is in no list of Stripe's live ones. */
export const comparePaidTenants = async (deps: StripeDeps): Promise<Drift[]> => {
  const live = new Set<string>();
  for await (const { id } of deps.stripe.subscriptions.list({ limit: 100 })) live.add(id);
  const drifts: Drift[] = [];
  for await (const { tenant_id: tenantId, customer_id: customer, subscription_id: id } of paidTenants(
    deps.db,
  )) {
    if (id !== null && live.has(id)) continue;
    const drift = await compare(deps, tenantId, customer);
    if (drift) drifts.push(drift);
  }
  return drifts;
};
