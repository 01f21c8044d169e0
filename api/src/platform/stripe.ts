import Stripe from 'stripe';

export interface StripeAccess {
  STRIPE_SECRET_KEY: string;
  /** Another address than Stripe's own: the local stand-in. */
  STRIPE_API_URL?: string | undefined;
}

/** A client that retries nothing by itself: who calls it decides that, by an idempotency key of our own. */
export const createStripe = (
  { STRIPE_SECRET_KEY, STRIPE_API_URL }: StripeAccess,
  { timeoutMs = 10_000 }: { timeoutMs?: number } = {},
): Stripe => {
  const { protocol, hostname, port } = new URL(STRIPE_API_URL ?? 'https://api.stripe.com');
  return new Stripe(STRIPE_SECRET_KEY, {
    host: hostname,
    port: port || (protocol === 'http:' ? '80' : '443'),
    protocol: protocol === 'http:' ? 'http' : 'https',
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
    appInfo: { name: 'SentryAgent' },
  });
};

export { Stripe };
