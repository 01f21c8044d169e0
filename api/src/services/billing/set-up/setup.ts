import type { Tier } from '@sentryagent/workflows/rules/tiers';

export interface StripeSetup {
  price: NonNullable<Tier['price']>;
  publicUrl: string;
  dashboardUrl: string;
  /** The stand-in's address, where it is one: it can send webhooks to this machine. */
  stripeApiUrl?: string | undefined;
  /** Whether the API has a secret of our endpoint already. */
  secretIsKnown: boolean;
  /** Is told a new endpoint's secret, which Stripe tells only once, before an old endpoint goes. */
  keepSecret(secret: string): void;
}

/** What was found or made of one thing at Stripe. */
export interface Step {
  what: string;
  done: 'created' | 'changed' | 'unchanged' | 'not created';
  /** Its id, or why there is none. */
  note: string;
}
