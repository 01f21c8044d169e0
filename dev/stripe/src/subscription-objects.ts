import { newId } from './ids.ts';
import { listOf, nulls } from './wire.ts';
import type { Customer, Price, Product, Subscription, SubscriptionItem } from './wire.ts';

const DAY = 86_400;

export interface Period {
  start: number;
  end: number;
}

type Recurring = NonNullable<Price['recurring']>;

const addMonths = (start: number, months: number): number => {
  const from = new Date(start * 1_000);
  const to = new Date(from);
  to.setUTCDate(1);
  to.setUTCMonth(to.getUTCMonth() + months);
  // The 31st becomes the last day of a shorter month.
  const lastDay = new Date(Date.UTC(to.getUTCFullYear(), to.getUTCMonth() + 1, 0)).getUTCDate();
  to.setUTCDate(Math.min(from.getUTCDate(), lastDay));
  return to.getTime() / 1_000;
};

/** The end of the period that begins at `start`. Months are counted from the anchor, so the 31st comes back. */
export const periodEnd = (
  anchor: number,
  start: number,
  { interval, interval_count: count }: Recurring,
): number => {
  if (interval === 'day') return start + count * DAY;
  if (interval === 'week') return start + count * 7 * DAY;
  const months = interval === 'year' ? 12 * count : count;
  for (let periods = 1; ; periods += 1) {
    const end = addMonths(anchor, periods * months);
    if (end > start) return end;
  }
};

export interface Purchase {
  customer: Customer;
  price: Price;
  product: Product;
  quantity: number;
  /** The id of the payment method. */
  method: string;
  trialDays: number;
  metadata: Record<string, string>;
}

/** The first period: the trial, if there is one. */
const firstPeriod = ({ price, trialDays }: Purchase, start: number): Period => ({
  start,
  end: trialDays ? start + trialDays * DAY : periodEnd(start, start, price.recurring!),
});

/** Its only item, in the first period. */
const itemOf = (subscription: string, { price, quantity }: Purchase, period: Period): SubscriptionItem => ({
  id: newId('si_', 14),
  object: 'subscription_item',
  billing_thresholds: null,
  created: period.start,
  current_period_start: period.start,
  current_period_end: period.end,
  discounts: [],
  metadata: {},
  price: structuredClone(price),
  quantity,
  subscription,
  tax_rates: [],
});

/** A subscription that begins now. */
export const newSubscription = (purchase: Purchase, now: number): Subscription => {
  const { customer, price, method, trialDays, metadata } = purchase;
  const id = newId('sub_1');
  const period = firstPeriod(purchase, now);
  return {
    id,
    object: 'subscription',
    ...nulls('application', 'application_fee_percent', 'billing_cycle_anchor_config', 'billing_thresholds'),
    ...nulls('cancel_at', 'canceled_at', 'customer_account', 'days_until_due', 'default_source'),
    ...nulls('description', 'ended_at', 'latest_invoice', 'managed_payments', 'on_behalf_of', 'schedule'),
    ...nulls('next_pending_invoice_item_invoice', 'pause_collection', 'pending_invoice_item_interval'),
    ...nulls('pending_setup_intent', 'pending_update', 'transfer_data'),
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: trialDays ? period.end : now,
    billing_mode: { flexible: { proration_discounts: 'included' }, type: 'flexible' },
    billing_schedules: [],
    cancel_at_period_end: false,
    cancellation_details: nulls('comment', 'feedback', 'feedback_option', 'reason'),
    collection_method: 'charge_automatically',
    created: now,
    currency: price.currency,
    customer: customer.id,
    default_payment_method: method,
    default_tax_rates: [],
    discounts: [],
    invoice_settings: {
      ...nulls('account_tax_ids', 'custom_fields', 'description', 'footer'),
      issuer: { type: 'self' },
    },
    items: listOf(`/v1/subscription_items?subscription=${id}`, [itemOf(id, purchase, period)]),
    livemode: false,
    metadata,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: ['card'],
      save_default_payment_method: 'off',
    },
    start_date: now,
    status: trialDays ? 'trialing' : 'active',
    test_clock: customer.test_clock ?? null,
    trial_end: trialDays ? period.end : null,
    trial_settings: {
      end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' },
    },
    trial_start: trialDays ? now : null,
  };
};
