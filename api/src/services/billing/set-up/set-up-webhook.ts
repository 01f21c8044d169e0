import type { Stripe } from '../../../platform/stripe.ts';
import { STRIPE_EVENTS } from '../events/event-types.ts';
import type { Step, StripeSetup } from './setup.ts';

const findEndpoints = async (stripe: Stripe, url: string): Promise<Stripe.WebhookEndpoint[]> => {
  const found: Stripe.WebhookEndpoint[] = [];
  for await (const endpoint of stripe.webhookEndpoints.list({ limit: 100 })) {
    if (endpoint.url === url) found.push(endpoint);
  }
  return found;
};

const isAsWanted = ({ status, enabled_events: events }: Stripe.WebhookEndpoint): boolean =>
  status === 'enabled' && [...events].sort().join() === [...STRIPE_EVENTS].sort().join();

const keep = async (stripe: Stripe, endpoint: Stripe.WebhookEndpoint, what: string): Promise<Step> => {
  if (isAsWanted(endpoint)) return { what, done: 'unchanged', note: endpoint.id };
  await stripe.webhookEndpoints.update(endpoint.id, { enabled_events: STRIPE_EVENTS, disabled: false });
  return { what, done: 'changed', note: endpoint.id };
};

/**
 * Creates or updates our endpoint. If its secret is unknown, creates a new endpoint, stores the secret, and then
 * deletes the old one.
 */
export const setUpWebhook = async (
  stripe: Stripe,
  { publicUrl, secretIsKnown, keepSecret }: StripeSetup,
): Promise<Step> => {
  const url = `${publicUrl}/billing/webhook`;
  const what = `webhook endpoint ${url}`;
  const found = await findEndpoints(stripe, url);
  if (found[0] && secretIsKnown) return keep(stripe, found[0], what);
  const made = await stripe.webhookEndpoints.create({ url, enabled_events: STRIPE_EVENTS });
  if (!made.secret) throw new Error(`Stripe returned no secret for the endpoint ${made.id}`);
  keepSecret(made.secret);
  for (const { id } of found) await stripe.webhookEndpoints.del(id);
  return { what, done: found.length ? 'changed' : 'created', note: made.id };
};
