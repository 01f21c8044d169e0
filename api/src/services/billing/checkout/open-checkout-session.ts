import type { CheckoutInput, OpenedSession } from '@sentryagent/workflows/contracts';
import { holdsTheTenant, wasBegun } from '@sentryagent/workflows/rules/subscription';
import { tiers } from '@sentryagent/workflows/rules/tiers';
import { Checkout } from '../../../models/checkout.ts';
import type { Database } from '../../../platform/database.ts';
import { Problem } from '../../../platform/problem.ts';
import { Stripe } from '../../../platform/stripe.ts';
import type { Temporal } from '../../../platform/temporal.ts';
import { alreadySubscribed } from './already-subscribed.ts';
import { expireCheckoutSession } from './checkout-session.ts';
import { listSubscriptions } from '../subscription/read-subscription.ts';
import { startSubscription } from '../subscription/start-subscription.ts';
import { ensureCustomer, replaceCustomer } from './stripe-customer.ts';

export interface OpenCheckoutSessionDeps {
  db: Database;
  stripe: Stripe;
  temporal: Temporal;
  config: { DASHBOARD_URL: string; TRIAL_DAYS: number };
}

/** The return URLs. Their pages show our own state, so neither URL grants anything. */
const returnUrls = (dashboardUrl: string, checkoutId: string) => ({
  success_url: `${dashboardUrl}/usage/checkouts/${checkoutId}`,
  cancel_url: `${dashboardUrl}/usage?checkout=cancelled`,
});

const findPrice = async (stripe: Stripe): Promise<string> => {
  const lookupKey = tiers.paid.price!.lookupKey;
  const { data } = await stripe.prices.list({ lookup_keys: [lookupKey], active: true, limit: 1 });
  if (!data[0])
    throw new Error(`Stripe has no price with the lookup key ${lookupKey}. Run npm run stripe:setup.`);
  return data[0].id;
};

/** Only the first subscription has a trial. */
const parametersOf = (
  { DASHBOARD_URL, TRIAL_DAYS }: OpenCheckoutSessionDeps['config'],
  { tenantId, checkoutId }: CheckoutInput,
  session: { customer: string; price: string; expiresAt: string; isFirst: boolean },
): Stripe.Checkout.SessionCreateParams => ({
  mode: 'subscription',
  customer: session.customer,
  client_reference_id: checkoutId,
  line_items: [{ price: session.price, quantity: 1 }],
  expires_at: Math.floor(Date.parse(session.expiresAt) / 1_000),
  metadata: { tenant_id: tenantId, checkout_id: checkoutId },
  subscription_data: {
    metadata: { tenant_id: tenantId },
    ...(TRIAL_DAYS > 0 && session.isFirst && { trial_period_days: TRIAL_DAYS }),
  },
  ...returnUrls(DASHBOARD_URL, checkoutId),
});

/**
 * Stores the session in the checkout's row. If the row was closed in the meantime, expires the session, because another
 * checkout may be open.
 */
const keepSession = async (
  { db, stripe }: Pick<OpenCheckoutSessionDeps, 'db' | 'stripe'>,
  { tenantId, checkoutId }: CheckoutInput,
  page: { sessionId: string; expiresAt: Date },
): Promise<void> => {
  const kept = await db.withTenant(tenantId, (trx) =>
    Checkout.query(trx).where({ id: checkoutId, status: 'open' }).patch(page),
  );
  if (kept > 0) return;
  await expireCheckoutSession(stripe, page.sessionId);
  throw new Problem('not_found', 'This checkout is already closed. Start a new one.');
};

/**
 * Whether the tenant ever completed a checkout. Read from our rows, because the Stripe customer may have been deleted.
 */
const hasBought = async (db: Database, tenantId: string): Promise<boolean> =>
  db.withTenant(
    tenantId,
    async (trx) => (await Checkout.query(trx).findOne({ status: 'completed' })) !== undefined,
  );

/** Creates the session for this customer. Problem: `already_subscribed`. */
const createSession = async (
  { db, stripe, temporal, config }: OpenCheckoutSessionDeps,
  key: CheckoutInput & { expiresAt: string },
  customer: string,
): Promise<Stripe.Checkout.Session> => {
  const found = await listSubscriptions(stripe, customer);
  if (found.some(holdsTheTenant)) {
    await startSubscription(temporal, key.tenantId);
    throw alreadySubscribed();
  }
  const price = await findPrice(stripe);
  const isFirst = !found.some(wasBegun) && !(await hasBought(db, key.tenantId));
  return stripe.checkout.sessions.create(
    parametersOf(config, key, { customer, price, expiresAt: key.expiresAt, isFirst }),
    { idempotencyKey: `checkout/${key.checkoutId}` },
  );
};

/**
 * If the Stripe account does not have the customer, it has no subscription of it either. So a new customer replaces it.
 */
const isGone = (error: unknown): boolean =>
  error instanceof Stripe.errors.StripeError &&
  error.code === 'resource_missing' &&
  error.param === 'customer';

/**
 * Creates the Stripe session of a checkout. A repeated call returns the same session, because the idempotency key is
 * our row's id. Problem: `already_subscribed`, if Stripe has a subscription of this tenant that charges or can charge
 * again, even if our row does not show it.
 */
export const openCheckoutSession = async (
  deps: OpenCheckoutSessionDeps,
  key: CheckoutInput & { expiresAt: string },
): Promise<OpenedSession> => {
  const customer = await ensureCustomer(deps, key);
  const session = await createSession(deps, key, customer).catch(async (error: unknown) => {
    if (!isGone(error)) throw error;
    return createSession(deps, key, await replaceCustomer(deps, key, customer));
  });
  if (!session.url) throw new Error(`the session ${session.id} has no URL`);
  const expiresAt = new Date(session.expires_at * 1_000);
  await keepSession(deps, key, { sessionId: session.id, expiresAt });
  return { sessionId: session.id, url: session.url, expiresAt: expiresAt.toISOString() };
};
