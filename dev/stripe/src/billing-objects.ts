import { newId } from './ids.ts';
import { listOf, nulls } from './wire.ts';
import type { Customer, Invoice, Price, Product, Subscription } from './wire.ts';

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

/** The end of the period of this price that begins at `start`. */
const periodEnd = (start: number, { interval, interval_count: count }: Recurring): number => {
  if (interval === 'day') return start + count * DAY;
  if (interval === 'week') return start + count * 7 * DAY;
  return addMonths(start, interval === 'year' ? 12 * count : count);
};

export interface Purchase {
  customer: Customer;
  price: Price;
  product: Product;
  quantity: number;
  trialDays: number;
  metadata: Record<string, string>;
}

/** The first period: the trial, if there is one. */
const firstPeriod = ({ price, trialDays }: Purchase, start: number): Period => ({
  start,
  end: trialDays ? start + trialDays * DAY : periodEnd(start, price.recurring!),
});

/** A subscription that begins now, paid for by a card. */
export const newSubscription = (purchase: Purchase, now: number): Subscription => {
  const { customer, price, quantity, trialDays, metadata } = purchase;
  const id = newId('sub_1');
  const period = firstPeriod(purchase, now);
  const item: Subscription['items']['data'][number] = {
    id: newId('si_', 14),
    object: 'subscription_item',
    billing_thresholds: null,
    created: now,
    current_period_start: period.start,
    current_period_end: period.end,
    discounts: [],
    metadata: {},
    price: structuredClone(price),
    quantity,
    subscription: id,
    tax_rates: [],
  };
  return {
    id,
    object: 'subscription',
    ...nulls('application', 'application_fee_percent', 'billing_cycle_anchor_config', 'billing_thresholds'),
    ...nulls('cancel_at', 'canceled_at', 'customer_account', 'days_until_due', 'default_source'),
    ...nulls('description', 'ended_at', 'latest_invoice', 'managed_payments', 'on_behalf_of', 'schedule'),
    ...nulls('next_pending_invoice_item_invoice', 'pause_collection', 'pending_invoice_item_interval'),
    ...nulls('pending_setup_intent', 'pending_update', 'test_clock', 'transfer_data'),
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
    default_payment_method: newId('pm_1'),
    default_tax_rates: [],
    discounts: [],
    invoice_settings: {
      ...nulls('account_tax_ids', 'custom_fields', 'description', 'footer'),
      issuer: { type: 'self' },
    },
    items: listOf(`/v1/subscription_items?subscription=${id}`, [item]),
    livemode: false,
    metadata,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: ['card'],
      save_default_payment_method: 'off',
    },
    start_date: now,
    status: trialDays ? 'trialing' : 'active',
    trial_end: trialDays ? period.end : null,
    trial_settings: {
      end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' },
    },
    trial_start: trialDays ? now : null,
  };
};

type Line = Invoice['lines']['data'][number];

const lineOf = (invoice: string, subscription: Subscription, { product }: Purchase): Line => {
  const item = subscription.items.data[0]!;
  const isTrial = subscription.status === 'trialing';
  const amount = isTrial ? 0 : (item.price.unit_amount ?? 0) * (item.quantity ?? 1);
  return {
    id: newId('il_1'),
    object: 'line_item',
    amount,
    currency: subscription.currency,
    description: isTrial ? `Trial period for ${product.name}` : `${item.quantity} × ${product.name}`,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice,
    livemode: false,
    metadata: subscription.metadata,
    parent: {
      type: 'subscription_item_details',
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: null,
        subscription: subscription.id,
        subscription_item: item.id,
      },
    },
    period: { start: item.current_period_start, end: item.current_period_end },
    pretax_credit_amounts: [],
    pricing: {
      type: 'price_details',
      price_details: { price: item.price.id, product: product.id },
      unit_amount_decimal: String(isTrial ? 0 : item.price.unit_amount),
    },
    quantity: item.quantity ?? 1,
    quantity_decimal: String(item.quantity ?? 1),
    subscription: subscription.id,
    subtotal: amount,
    taxes: [],
  };
};

const paymentsOf = (invoice: string, amount: number, currency: string, now: number): Invoice['payments'] =>
  listOf(
    '/v1/invoice_payments',
    amount === 0
      ? []
      : [
          {
            id: newId('inpay_1'),
            object: 'invoice_payment',
            amount_paid: amount,
            amount_requested: amount,
            created: now,
            currency,
            invoice,
            is_default: true,
            livemode: false,
            payment: { type: 'payment_intent', payment_intent: newId('pi_3') },
            status: 'paid',
            status_transitions: { canceled_at: null, paid_at: now },
          },
        ],
  );

/** Fields that our invoices never set, or not as a draft. */
const unset = () => ({
  ...nulls('account_tax_ids', 'application', 'automatically_finalizes_at', 'custom_fields', 'account_name'),
  ...nulls('customer_account', 'customer_address', 'customer_phone', 'customer_shipping', 'description'),
  ...nulls(
    'default_payment_method',
    'default_source',
    'due_date',
    'effective_at',
    'ending_balance',
    'footer',
  ),
  ...nulls('from_invoice', 'last_finalization_error', 'latest_revision', 'next_payment_attempt', 'number'),
  ...nulls('on_behalf_of', 'receipt_number', 'rendering', 'shipping_cost', 'shipping_details', 'test_clock'),
  ...nulls('statement_descriptor', 'webhooks_delivered_at', 'hosted_invoice_url', 'invoice_pdf'),
});

const amountsOf = (total: number) => ({
  amount_due: total,
  amount_overpaid: 0,
  amount_paid: 0,
  amount_paid_off_stripe: 0,
  amount_remaining: total,
  amount_shipping: 0,
  post_payment_credit_notes_amount: 0,
  pre_payment_credit_notes_amount: 0,
  starting_balance: 0,
  subtotal: total,
  subtotal_excluding_tax: total,
  total,
  total_discount_amounts: [],
  total_excluding_tax: total,
  total_pretax_credit_amounts: [],
  total_taxes: [],
});

/** The first invoice of a subscription, as a draft for `finalized` and `paid`. */
export const draftInvoice = (subscription: Subscription, purchase: Purchase, now: number): Invoice => {
  const id = newId('in_1');
  const { customer } = purchase;
  const line = lineOf(id, subscription, purchase);
  return {
    id,
    object: 'invoice',
    ...unset(),
    ...amountsOf(line.amount),
    account_country: 'US',
    attempt_count: 0,
    attempted: false,
    auto_advance: true,
    automatic_tax: { ...nulls('disabled_reason', 'liability', 'provider', 'status'), enabled: false },
    billing_reason: 'subscription_create',
    collection_method: 'charge_automatically',
    created: now,
    currency: subscription.currency,
    customer: customer.id,
    customer_email: customer.email,
    customer_name: customer.name ?? null,
    customer_tax_exempt: 'none',
    customer_tax_ids: [],
    default_tax_rates: [],
    discounts: [],
    issuer: { type: 'self' },
    lines: listOf(`/v1/invoices/${id}/lines`, [line]),
    livemode: false,
    metadata: {},
    parent: {
      type: 'subscription_details',
      quote_details: null,
      subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
    },
    payment_settings: nulls('default_mandate', 'payment_method_options', 'payment_method_types'),
    payments: listOf('/v1/invoice_payments', []),
    period_end: now,
    period_start: now,
    status: 'draft',
    status_transitions: nulls('finalized_at', 'marked_uncollectible_at', 'paid_at', 'voided_at'),
  };
};

/** The changes when an invoice is finalized. */
export const finalized = (
  invoice: Invoice,
  place: { now: number; number: string; origin: string },
): Partial<Invoice> => ({
  status: 'open',
  number: place.number,
  effective_at: place.now,
  ending_balance: 0,
  hosted_invoice_url: `${place.origin}/i/${invoice.id}`,
  status_transitions: { ...invoice.status_transitions, finalized_at: place.now },
});

/** The changes when an invoice is fully paid. */
export const paid = (invoice: Invoice, now: number): Partial<Invoice> => ({
  status: 'paid',
  amount_paid: invoice.amount_due,
  amount_remaining: 0,
  attempt_count: invoice.amount_due === 0 ? 0 : 1,
  attempted: true,
  auto_advance: false,
  payments: paymentsOf(invoice.id, invoice.amount_due, invoice.currency, now),
  status_transitions: { ...invoice.status_transitions, paid_at: now },
});
