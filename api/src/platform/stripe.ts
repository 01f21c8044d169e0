import Stripe from 'stripe';

export interface StripeAccess {
  STRIPE_SECRET_KEY: string;
  /** The URL of the local stand-in, if it is used instead of Stripe. */
  STRIPE_API_URL?: string | undefined;
}

/** A client without retries. The caller retries, with its own idempotency key. */
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
