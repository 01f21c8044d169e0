import { Checkout } from '../../models/checkout.ts';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { notFound } from '../../platform/problem.ts';
import type { Temporal } from '../../platform/temporal.ts';
import { nudgeCheckout } from './nudge.ts';

export interface GetCheckoutDeps {
  db: Database;
  temporal: Temporal | undefined;
  logger: Logger;
}

/** One checkout of the tenant. Somebody waits for an open one, so it is told to look at Stripe. Problem: `not_found`. */
export const getCheckout = async (
  { db, temporal, logger }: GetCheckoutDeps,
  tenantId: string,
  checkoutId: string,
): Promise<Checkout> => {
  const checkout = await db.withTenant(tenantId, (trx) => Checkout.query(trx).findOne({ id: checkoutId }));
  if (!checkout) throw notFound();
  if (checkout.status === 'open' && temporal) {
    nudgeCheckout(temporal, tenantId, checkoutId).catch((error: unknown) =>
      logger.warn({ err: error, checkoutId }, 'a checkout could not be nudged'),
    );
  }
  return checkout;
};
