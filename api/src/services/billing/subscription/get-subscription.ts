import { nextChargeAt } from '@sentryagent/workflows/rules/reminders';
import type { SubscriptionView } from '@sentryagent/workflows/rules/subscription';
import { Checkout, unfinished } from '../../../models/checkout.ts';
import { StripeCustomer } from '../../../models/stripe-customer.ts';
import { TenantSubscription } from '../../../models/tenant-subscription.ts';
import type { Database } from '../../../platform/database.ts';
import type { Card, Charge } from './read-payments.ts';
import { viewOfRow } from './view-of-row.ts';

export interface ShownSubscription extends SubscriptionView {
  nextCharge: (Charge & { at: string }) | null;
  card: Card | null;
  hasPortal: boolean;
  openCheckout: { checkoutId: string; status: 'open' | 'processing' } | null;
}

const nextChargeOf = (row: TenantSubscription): ShownSubscription['nextCharge'] => {
  const at = nextChargeAt(viewOfRow(row));
  const { nextAmount: amount, nextCurrency: currency } = row;
  return at === null || amount === null || currency === null ? null : { amount, currency, at };
};

const cardOf = (row: TenantSubscription): Card | null => {
  const { cardBrand: brand, cardLast4: last4, cardExpMonth: expMonth, cardExpYear: expYear } = row;
  return brand === null || last4 === null || expMonth === null || expYear === null
    ? null
    : { brand, last4, expMonth, expYear };
};

/** The tenant's subscription as it was last read from Stripe. Asks nobody but our database. */
export const getSubscription = (db: Database, tenantId: string): Promise<ShownSubscription> =>
  db.withTenant(tenantId, async (trx) => {
    const row = await TenantSubscription.query(trx).findById(tenantId).throwIfNotFound();
    const customer = await StripeCustomer.query(trx).findById(tenantId);
    const checkout = await Checkout.query(trx).whereIn('status', unfinished).first();
    return {
      ...viewOfRow(row),
      nextCharge: nextChargeOf(row),
      card: cardOf(row),
      hasPortal: customer !== undefined,
      openCheckout: checkout
        ? { checkoutId: checkout.id, status: checkout.status as 'open' | 'processing' }
        : null,
    };
  });
