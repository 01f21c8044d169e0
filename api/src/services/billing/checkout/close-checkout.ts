import type { CheckoutInput } from '@sentryagent/workflows/contracts';
import type { CheckoutEnd } from '@sentryagent/workflows/rules/checkout';
import { Checkout, unfinished } from '../../../models/checkout.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Database } from '../../../platform/database.ts';

/**
 * Closes the checkout's row, so that the tenant can start another. A closed row stays unchanged. With a `session_id`,
 * closes it only if the row has this session.
 */
export const closeCheckout = async (
  { db, clock }: { db: Database; clock: Clock },
  { tenantId, checkoutId }: CheckoutInput,
  status: CheckoutEnd,
  only: { session_id?: string | null } = {},
): Promise<void> => {
  await db.withTenant(tenantId, (trx) =>
    Checkout.query(trx)
      .where({ id: checkoutId, ...only })
      .whereIn('status', unfinished)
      .patch({ status, closedAt: clock() }),
  );
};

/** Shows that the payment settles later. The tenant cannot start another checkout meanwhile. */
export const showProcessing = async (
  db: Database,
  { tenantId, checkoutId }: CheckoutInput,
): Promise<void> => {
  await db.withTenant(tenantId, (trx) =>
    Checkout.query(trx).where({ id: checkoutId, status: 'open' }).patch({ status: 'processing' }),
  );
};
