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

/** Where Stripe sends the customer back to. The pages there follow our own state: neither address grants anything. */
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

/** A trial is for the first subscription alone. */
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

/** Notes the page in the checkout's row. Where the row was closed meanwhile another may be open: this page goes. */
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

/** Whether a checkout of the tenant was ever completed: we know it though Stripe may have lost the customer. */
const hasBought = async (db: Database, tenantId: string): Promise<boolean> =>
  db.withTenant(
    tenantId,
    async (trx) => (await Checkout.query(trx).findOne({ status: 'completed' })) !== undefined,
  );

/** Makes the page for this customer. Problem: `already_subscribed`. */
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

/** A customer that this account does not have, or has deleted, can hold no subscription here: another takes its place. */
const isGone = (error: unknown): boolean =>
  error instanceof Stripe.errors.StripeError &&
  error.code === 'resource_missing' &&
  error.param === 'customer';

/**
 * Opens Stripe's page for a checkout; asked again it answers the same page, since the idempotency key is our own row's
 * id. Problem: `already_subscribed`, where Stripe has a subscription of this tenant that takes money, or would again,
 * whatever our row says.
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
