import { until } from '../../../dev/test/support/until.ts';
import { payByHttp } from './checkout-page.ts';
import type { SignedUp } from './people.ts';
import type { SellingStack } from './stack.ts';

const PATIENCE_MS = 300_000;

interface Clock {
  id: string;
  status: string;
}

/** `billing_details[address][city]=…`, as Stripe reads it. */
const form = (fields: Record<string, string>): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
});

const BILLING = {
  'billing_details[email]': 'ada@example.com',
  'billing_details[name]': 'Ada',
  'billing_details[address][line1]': '1 Main Street',
  'billing_details[address][city]': 'Springfield',
  'billing_details[address][state]': 'IL',
  'billing_details[address][postal_code]': '62701',
  'billing_details[address][country]': 'US',
};

/**
 * What customers, banks and time do at Stripe. Where Stripe's API has no published way, the stand-in has a control, and
 * a real account is asked as the Stripe CLI asks it.
 */
export const stripeActs = (stack: SellingStack) => {
  const { ask, dev, isRealStripe } = stack.billing;
  const post = <T extends object>(path: string, fields: Record<string, string> = {}): Promise<T> =>
    ask<T>(path, form(fields));
  const cardOf = (token: string): Promise<{ id: string }> =>
    post('/payment_methods', { type: 'card', 'card[token]': token, ...BILLING });
  const clockBy = (id: string): Promise<Clock> => ask(`/test_helpers/test_clocks/${id}`);

  return {
    /** Pays a checkout of 49 US dollars with a good card. */
    pay: async (url: string): Promise<void> => {
      if (!isRealStripe) return void (await payByHttp(url));
      const session = new URL(url).pathname.split('/').at(-1)!;
      // Nobody can type on Stripe's page here. `stripe trigger checkout.session.completed` pays in this way too.
      const { id } = await cardOf('tok_visa');
      await post(`/payment_pages/${session}/confirm`, { payment_method: id, expected_amount: '4900' });
    },
    /** From now on, the bank declines each payment of the customer's subscription. */
    failPayments: async (customer: string, subscription: string): Promise<void> => {
      if (!isRealStripe) {
        await dev(`/customers/${customer}/fail-next-payment?times=20`, { method: 'POST' });
        return;
      }
      const { id } = await cardOf('tok_chargeCustomerFail');
      await post(`/payment_methods/${id}/attach`, { customer });
      await post(`/subscriptions/${subscription}`, { default_payment_method: id });
    },
    refund: async (charge: string): Promise<void> => {
      if (isRealStripe) await post('/refunds', { charge });
      else await dev(`/charges/${charge}/refund`, { method: 'POST' });
    },
    endSubscription: (subscription: string) => ask(`/subscriptions/${subscription}`, { method: 'DELETE' }),
    /** Gives the tenant a customer on a test clock of its own, which must be done before its first checkout. */
    putOnClock: async ({ tenantId, email }: SignedUp): Promise<string> => {
      const now = String(Math.floor(Date.now() / 1_000));
      const clock = await post<Clock>('/test_helpers/test_clocks', { frozen_time: now, name: tenantId });
      const fields = { test_clock: clock.id, email, 'metadata[tenant_id]': tenantId };
      const { id } = await post<{ id: string }>('/customers', fields);
      const stored = 'insert into stripe_customers (tenant_id, customer_id) values ($1, $2)';
      await stack.sql(stored, [tenantId, id]);
      return clock.id;
    },
    /** Moves the clock to this instant, and waits until Stripe has done what is due. */
    moveClock: async (clock: string, to: Date): Promise<void> => {
      const seconds = String(Math.floor(to.getTime() / 1_000));
      await post(`/test_helpers/test_clocks/${clock}/advance`, { frozen_time: seconds });
      const isReady = async () => (await clockBy(clock)).status === 'ready';
      await until('the test clock is ready', isReady, PATIENCE_MS);
    },
    /** Deletes the clock with its customers and their subscriptions. */
    removeClock: (clock: string) => ask(`/test_helpers/test_clocks/${clock}`, { method: 'DELETE' }),
  };
};
