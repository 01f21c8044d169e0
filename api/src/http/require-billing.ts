import type { Deps } from '../deps.ts';
import { Problem, unavailable } from '../platform/problem.ts';
import type { Route } from './route.ts';

/**
 * Rejects the request if the part of billing that the route needs is not configured. Problems: `billing_disabled`,
 * `service_unavailable`.
 */
export const requireBilling = (
  { billing }: Pick<Route, 'billing'>,
  { config, temporal, stripe }: Pick<Deps, 'config' | 'temporal' | 'stripe'>,
): void => {
  if (!billing) return;
  if (!config.BILLING_ENABLED) {
    throw new Problem('billing_disabled', 'Billing is disabled on this server (BILLING_ENABLED is false).');
  }
  if (billing === 'configured' && !(temporal && stripe)) {
    throw unavailable(new Error('TEMPORAL_ADDRESS or STRIPE_SECRET_KEY is not set'), 60);
  }
};
