import type { CheckoutInput, OpenedSession } from '@sentryagent/workflows/contracts';
import { holdsTheTenant, wasBegun } from '@sentryagent/workflows/rules/subscription';
import { tiers } from '@sentryagent/workflows/rules/tiers';
import { Checkout, unfinished } from '../../../models/checkout.ts';
import type { Database } from '../../../platform/database.ts';
import { Problem } from '../../../platform/problem.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import type { Temporal } from '../../../platform/temporal.ts';
import { alreadySubscribed, paymentProcessing } from './already-subscribed.ts';
import { expireCheckoutSession } from './checkout-session.ts';
import { listSubscriptions, type FoundSubscription } from '../subscription/read-subscription.ts';
import { startSubscription } from '../subscription/start-subscription.ts';
import { isMissing } from '../stripe-errors.ts';
import { ensureCustomer, replaceCustomer, type Buyer } from './stripe-customer.ts';

export interface OpenCheckoutSessionDeps {
  db: Database;
  stripe: Stripe;
  temporal: Temporal;
  config: { DASHBOARD_URL: string; TRIAL_DAYS: number };
}

/** What the activity needs of the checkout's row. */
interface Purchase extends Buyer {
  expiresAt: string;
  /** A path of the dashboard. */
  returnTo: string | null;
}

/** The return URLs. Their pages show our own state, so neither URL grants anything. */
const returnUrls = (dashboardUrl: string, { checkoutId, returnTo }: Purchase) => {
  const paid = new URL(`/usage/checkouts/${checkoutId}`, dashboardUrl);
  if (returnTo !== null) paid.searchParams.set('returnTo', returnTo);
  const left = new URL(`${dashboardUrl}${returnTo ?? '/usage'}`);
  left.searchParams.set('checkout', 'cancelled');
  return { success_url: paid.href, cancel_url: left.href };
};

const findPrice = async (stripe: Stripe): Promise<string> => {
  const lookupKey = tiers.paid.price!.lookupKey;
  const { data } = await stripe.prices.list({ lookup_keys: [lookupKey], active: true, limit: 1 });
  if (!data[0])
    throw new Error(`Stripe has no price with the lookup key ${lookupKey}. Run npm run stripe:setup.`);
  return data[0].id;
};

/**
 * Only the first subscription has a trial. Stripe shows the address and the tax id on invoices, and keeps them for the
 * customer.
 */
const parametersOf = (
  { DASHBOARD_URL, TRIAL_DAYS }: OpenCheckoutSessionDeps['config'],
  purchase: Purchase,
  session: { customer: string; price: string; hasTrial: boolean },
): Stripe.Checkout.SessionCreateParams => ({
  mode: 'subscription',
  customer: session.customer,
  customer_update: { address: 'auto', name: 'auto' },
  billing_address_collection: 'required',
  tax_id_collection: { enabled: true },
  client_reference_id: purchase.checkoutId,
  line_items: [{ price: session.price, quantity: 1 }],
  expires_at: Math.floor(Date.parse(purchase.expiresAt) / 1_000),
  metadata: { tenant_id: purchase.tenantId, checkout_id: purchase.checkoutId },
  subscription_data: {
    metadata: { tenant_id: purchase.tenantId },
    ...(session.hasTrial && { trial_period_days: TRIAL_DAYS }),
  },
  ...returnUrls(DASHBOARD_URL, purchase),
});

const isClosed = (): Problem => new Problem('not_found', 'This checkout is already closed. Start a new one.');

/**
 * Stores the session in the checkout's row. If the row was closed in the meantime, expires the session, because another
 * checkout may be open.
 */
const storeSession = async (
  { db, stripe }: Pick<OpenCheckoutSessionDeps, 'db' | 'stripe'>,
  { tenantId, checkoutId }: CheckoutInput,
  page: { sessionId: string; expiresAt: Date },
): Promise<void> => {
  const stored = await db.withTenant(tenantId, (trx) =>
    Checkout.query(trx).where({ id: checkoutId, status: 'open' }).patch(page),
  );
  if (stored > 0) return;
  await expireCheckoutSession(stripe, page.sessionId);
  throw isClosed();
};

/** Problem: `not_found`. */
const readPurchase = async (
  db: Database,
  { tenantId, checkoutId, expiresAt }: CheckoutInput & { expiresAt: string },
): Promise<Purchase> => {
  const row = await db.withTenant(tenantId, (trx) =>
    Checkout.query(trx).findOne({ id: checkoutId }).whereIn('status', unfinished),
  );
  if (!row) throw isClosed();
  return { tenantId, checkoutId, expiresAt, createdBy: row.createdBy, returnTo: row.returnTo };
};

/**
 * Whether the tenant ever completed a checkout. Read from our rows, because the Stripe customer may have been deleted.
 */
const hasBought = async (db: Database, tenantId: string): Promise<boolean> =>
  db.withTenant(
    tenantId,
    async (trx) => (await Checkout.query(trx).findOne({ status: 'completed' })) !== undefined,
  );

/** Whether the customer has confirmed a payment in another session that the bank settles later. */
const isProcessing = async (stripe: Stripe, found: readonly FoundSubscription[]): Promise<boolean> => {
  for (const { id } of found.filter(({ status }) => status === 'incomplete')) {
    const { data } = await stripe.checkout.sessions.list({ subscription: id, limit: 1 });
    if (data.some((session) => session.status === 'complete' && session.payment_status === 'unpaid')) {
      return true;
    }
  }
  return false;
};

/** Creates the session for this customer. Problems: `already_subscribed`, `payment_processing`. */
const createSession = async (
  { db, stripe, temporal, config }: OpenCheckoutSessionDeps,
  purchase: Purchase,
  customer: string,
): Promise<Stripe.Checkout.Session> => {
  const { tenantId, checkoutId } = purchase;
  const found = await listSubscriptions(stripe, customer);
  if (found.some(holdsTheTenant)) {
    await startSubscription(temporal, tenantId);
    throw alreadySubscribed();
  }
  if (await isProcessing(stripe, found)) throw paymentProcessing();
  const price = await findPrice(stripe);
  const hasTrial = config.TRIAL_DAYS > 0 && !found.some(wasBegun) && !(await hasBought(db, tenantId));
  return stripe.checkout.sessions.create(parametersOf(config, purchase, { customer, price, hasTrial }), {
    idempotencyKey: `checkout/${checkoutId}`,
  });
};

/**
 * Creates the Stripe session of a checkout. A repeated call returns the same session, because the idempotency key is
 * our row's id. Problem: `already_subscribed`, if Stripe has a subscription of this tenant that charges or can charge
 * again, even if our row does not show it; `payment_processing`.
 */
export const openCheckoutSession = async (
  deps: OpenCheckoutSessionDeps,
  key: CheckoutInput & { expiresAt: string },
): Promise<OpenedSession> => {
  const purchase = await readPurchase(deps.db, key);
  const customer = await ensureCustomer(deps, purchase);
  const session = await createSession(deps, purchase, customer).catch(async (error: unknown) => {
    // If the Stripe account does not have the customer, it has no subscription of it either.
    if (!isMissing(error, 'customer')) throw error;
    return createSession(deps, purchase, await replaceCustomer(deps, purchase, customer));
  });
  if (!session.url) throw new Error(`the session ${session.id} has no URL`);
  const expiresAt = new Date(session.expires_at * 1_000);
  await storeSession(deps, key, { sessionId: session.id, expiresAt });
  return { sessionId: session.id, url: session.url, expiresAt: expiresAt.toISOString() };
};
