import type { Tier } from '@sentryagent/workflows/rules/tiers';

export interface StripeSetup {
  price: NonNullable<Tier['price']>;
  publicUrl: string;
  dashboardUrl: string;
  /** The URL of the stand-in, if it is used. It can send webhooks to this machine. */
  stripeApiUrl?: string | undefined;
  /** Whether the API already has the secret of our endpoint. */
  secretIsKnown: boolean;
  /** Called with the secret of a new endpoint, before an old endpoint is deleted. Stripe shows a secret only once. */
  keepSecret(secret: string): void;
}

/** The result for one object at Stripe. */
export interface Step {
  what: string;
  done: 'created' | 'changed' | 'unchanged' | 'not created';
  /** Its id, or why it does not exist. */
  note: string;
}
