import type { OpenedSession } from '@sentryagent/workflows/contracts';
import { isLive } from '@sentryagent/workflows/rules/subscription';
import { tiers } from '@sentryagent/workflows/rules/tiers';
import { Checkout } from '../../models/checkout.ts';
import type { Database } from '../../platform/database.ts';
import type { Stripe } from '../../platform/stripe.ts';
import type { Temporal } from '../../platform/temporal.ts';
import { alreadySubscribed } from './already-subscribed.ts';
import type { CheckoutKey } from './close-checkout.ts';
import { listSubscriptions } from './read-subscription.ts';
import { startSubscription } from './start-subscription.ts';
import { ensureCustomer } from './stripe-customer.ts';

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
  if (!data[0]) throw new Error(`Stripe has no price ${lookupKey}: run npm run stripe:setup`);
  return data[0].id;
};

/** A trial is for the first subscription alone. */
const parametersOf = (
  { DASHBOARD_URL, TRIAL_DAYS }: OpenCheckoutSessionDeps['config'],
  { tenantId, checkoutId }: CheckoutKey,
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
 * Opens Stripe's page for a checkout; asked again it answers the same page, since the idempotency key is our own row's
 * id. Problem: `already_subscribed`, where Stripe has a live subscription of this tenant, whatever our row says.
 */
export const openCheckoutSession = async (
  deps: OpenCheckoutSessionDeps,
  key: CheckoutKey & { expiresAt: string },
): Promise<OpenedSession> => {
  const { db, stripe, temporal, config } = deps;
  const customer = await ensureCustomer(deps, key.tenantId);
  const found = await listSubscriptions(stripe, customer);
  if (found.some(isLive)) {
    await startSubscription(temporal, key.tenantId);
    throw alreadySubscribed();
  }
  const price = await findPrice(stripe);
  const session = await stripe.checkout.sessions.create(
    parametersOf(config, key, { customer, price, expiresAt: key.expiresAt, isFirst: found.length === 0 }),
    { idempotencyKey: `checkout/${key.checkoutId}` },
  );
  if (!session.url) throw new Error(`the session ${session.id} has no page`);
  const expiresAt = new Date(session.expires_at * 1_000);
  await db.withTenant(key.tenantId, (trx) =>
    Checkout.query(trx).where({ id: key.checkoutId }).patch({ sessionId: session.id, expiresAt }),
  );
  return { sessionId: session.id, url: session.url, expiresAt: expiresAt.toISOString() };
};
