/** The tier catalogue. To add a tier, add a row: no other code contains its numbers. */
export const tierIds = ['free', 'paid'] as const;

export type TierId = (typeof tierIds)[number];

/** `hard`: rejects above the limit. `soft`: only warns. `max: null`: unlimited. */
export interface Limit {
  max: number | null;
  enforcement: 'hard' | 'soft';
}

export interface Tier {
  id: TierId;
  /** The name that users see. */
  name: string;
  limits: { agents: Limit; apiCallsPerDay: Limit };
  /** New agents, credentials and resources per UTC day. Limited because their rows stay, even after they end. */
  creationsPerDay: number;
  /** Shares of a daily limit at which the tenant is warned, ascending. */
  warningThresholds: readonly number[];
  /** The sliding-window rate limit, as a multiple of `RATE_LIMIT_MAX_REQUESTS`. */
  rateMultiplier: number;
  /** The Stripe price's lookup key and the amount we set up there, in the currency's minor unit. */
  price: { lookupKey: string; amount: number; currency: string; interval: 'month' } | null;
}

export const tiers: Readonly<Record<TierId, Tier>> = {
  free: {
    id: 'free',
    name: 'Free',
    limits: {
      agents: { max: 10, enforcement: 'hard' },
      apiCallsPerDay: { max: 1_000, enforcement: 'hard' },
    },
    creationsPerDay: 1_000,
    warningThresholds: [0.8, 1],
    rateMultiplier: 1,
    price: null,
  },
  paid: {
    id: 'paid',
    name: 'Paid',
    limits: {
      agents: { max: null, enforcement: 'soft' },
      apiCallsPerDay: { max: null, enforcement: 'soft' },
    },
    creationsPerDay: 10_000,
    warningThresholds: [],
    rateMultiplier: 10,
    price: { lookupKey: 'sentryagent_paid_monthly', amount: 4_900, currency: 'usd', interval: 'month' },
  },
};
