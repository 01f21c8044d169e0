import { decimalsOf } from '@sentryagent/workflows/rules/currency';
import type { Stripe } from '../../../platform/stripe.ts';
import { isReachable } from '../is-reachable.ts';
import { PORTAL_MARK, findMarked, findPortal } from '../portal/find-portal.ts';
import type { Step, StripeSetup } from './setup.ts';
import { setUpWebhook } from './set-up-webhook.ts';

const PRODUCT = { name: 'SentryAgent Paid', metadata: { sentryagent: 'paid' } };
const PORTAL_METADATA = { sentryagent: PORTAL_MARK };

const setUpProduct = async (stripe: Stripe): Promise<Step> => {
  const what = `product "${PRODUCT.name}"`;
  const products = stripe.products.list({ active: true, limit: 100 });
  const found = await findMarked(products, PRODUCT.metadata.sentryagent);
  if (!found) {
    const { id } = await stripe.products.create(PRODUCT);
    return { what, done: 'created', note: id };
  }
  if (found.name === PRODUCT.name) return { what, done: 'unchanged', note: found.id };
  await stripe.products.update(found.id, { name: PRODUCT.name });
  return { what, done: 'changed', note: found.id };
};

const isSame = (found: Stripe.Price, product: string, { amount, currency, interval }: StripeSetup['price']) =>
  found.active &&
  found.product === product &&
  found.unit_amount === amount &&
  found.currency === currency &&
  found.recurring?.interval === interval &&
  found.recurring.interval_count === 1;

/**
 * The amount of a price cannot be changed, so a new price takes over the lookup key. Existing subscriptions keep the
 * old price.
 */
const setUpPrice = async (stripe: Stripe, product: string, price: StripeSetup['price']): Promise<Step> => {
  const { amount, currency, interval, lookupKey } = price;
  const what = `price ${lookupKey}, ${amount / 10 ** decimalsOf(currency)} ${currency} a ${interval}`;
  const [found] = (await stripe.prices.list({ lookup_keys: [lookupKey], limit: 1 })).data;
  if (found && isSame(found, product, price)) return { what, done: 'unchanged', note: found.id };
  const { id } = await stripe.prices.create({
    product,
    currency,
    unit_amount: amount,
    recurring: { interval },
    lookup_key: lookupKey,
    transfer_lookup_key: true,
  });
  return { what, done: found ? 'changed' : 'created', note: id };
};

/** What invoices show. */
const CUSTOMER_UPDATES = ['address', 'tax_id'] as const;

const portalOf = (dashboardUrl: string) => ({
  default_return_url: `${dashboardUrl}/billing`,
  features: {
    customer_update: { enabled: true, allowed_updates: [...CUSTOMER_UPDATES] },
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true },
    subscription_cancel: { enabled: true, mode: 'at_period_end' as const },
  },
});

const isAsWanted = (
  { default_return_url, features }: Stripe.BillingPortal.Configuration,
  wanted: ReturnType<typeof portalOf>,
): boolean =>
  default_return_url === wanted.default_return_url &&
  features.customer_update.enabled &&
  features.customer_update.allowed_updates.toSorted().join() === CUSTOMER_UPDATES.join() &&
  features.invoice_history.enabled &&
  features.payment_method_update.enabled &&
  features.subscription_cancel.enabled &&
  features.subscription_cancel.mode === wanted.features.subscription_cancel.mode;

const setUpPortal = async (stripe: Stripe, dashboardUrl: string): Promise<Step> => {
  const what = 'billing portal configuration';
  const wanted = portalOf(dashboardUrl);
  const found = await findPortal(stripe);
  if (!found) {
    const { id } = await stripe.billingPortal.configurations.create({ ...wanted, metadata: PORTAL_METADATA });
    return { what, done: 'created', note: id };
  }
  if (isAsWanted(found, wanted)) return { what, done: 'unchanged', note: found.id };
  await stripe.billingPortal.configurations.update(found.id, wanted);
  return { what, done: 'changed', note: found.id };
};

/** Creates what SentryAgent needs in a Stripe account or the stand-in. Can be repeated: existing objects are reused. */
export const setUpStripe = async (stripe: Stripe, setup: StripeSetup): Promise<Step[]> => {
  const { price, publicUrl, dashboardUrl, stripeApiUrl } = setup;
  const product = await setUpProduct(stripe);
  const steps = [
    product,
    await setUpPrice(stripe, product.note, price),
    await setUpPortal(stripe, dashboardUrl),
  ];
  if (isReachable(publicUrl, stripeApiUrl)) return [...steps, await setUpWebhook(stripe, setup)];
  const note = `Stripe cannot reach ${publicUrl}, so the API polls Stripe for events`;
  return [...steps, { what: 'webhook endpoint', done: 'not created', note }];
};
