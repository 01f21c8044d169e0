import type { Stripe } from 'stripe';

const CREATED = 1_790_000_000;
const MONTH = 2_592_000;

/** A subscription as Stripe lists it, with what we read of it. */
export const subscriptionOf = (status: Stripe.Subscription.Status, id = 'sub_1') => ({
  id,
  status,
  created: CREATED,
  customer: 'cus_1',
  metadata: {},
  test_clock: null,
  cancel_at_period_end: false,
  cancel_at: null,
  trial_end: null,
  default_payment_method: null,
  items: {
    data: [
      { current_period_start: CREATED, current_period_end: CREATED + MONTH, price: { lookup_key: null } },
    ],
  },
});

/** The other questions of a read: no card, no open invoice, no next charge. */
export const withoutPayments = {
  customers: { retrieve: async () => ({ invoice_settings: { default_payment_method: null } }) },
  invoices: {
    list: async () => ({ data: [] }),
    createPreview: async () => ({ amount_due: 4_900, currency: 'usd' }),
  },
};
