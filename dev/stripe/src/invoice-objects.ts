import { newId } from './ids.ts';
import type { Period } from './subscription-objects.ts';
import { listOf, nulls } from './wire.ts';
import type { Customer, Invoice, Product, Subscription } from './wire.ts';

const HOUR = 3_600;

type Line = Invoice['lines']['data'][number];

const lineOf = (invoice: string, { subscription, product }: Cycle): Line => {
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

/** What an invoice is for: the current period of this subscription. */
export interface Cycle {
  customer: Customer;
  subscription: Subscription;
  product: Product;
  reason: 'subscription_create' | 'subscription_cycle';
  /** The period before, whose usage would be billed. */
  before: Period;
}

/** The payment of an open invoice. All attempts share it. */
const paymentsOf = ({ id, amount_due: amount, currency }: Invoice, now: number): Invoice['payments'] =>
  listOf(
    '/v1/invoice_payments',
    amount === 0
      ? []
      : [
          {
            id: newId('inpay_1'),
            object: 'invoice_payment',
            amount_paid: null,
            amount_requested: amount,
            created: now,
            currency,
            invoice: id,
            is_default: true,
            livemode: false,
            payment: { type: 'payment_intent', payment_intent: newId('pi_3') },
            status: 'open',
            status_transitions: { canceled_at: null, paid_at: null },
          },
        ],
  );

/** Fields that our invoices never set, or not as a draft. */
const unset = () => ({
  ...nulls('account_tax_ids', 'application', 'custom_fields', 'account_name'),
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
  ...nulls('on_behalf_of', 'receipt_number', 'rendering', 'shipping_cost', 'shipping_details'),
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

/** The invoice of a period, as a draft. That of a renewal stays one for an hour. */
export const draftInvoice = (cycle: Cycle, now: number): Invoice => {
  const id = newId('in_1');
  const { customer, subscription, reason, before } = cycle;
  const line = lineOf(id, cycle);
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
    automatically_finalizes_at: reason === 'subscription_cycle' ? now + HOUR : null,
    billing_reason: reason,
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
    period_end: before.end,
    period_start: before.start,
    status: 'draft',
    status_transitions: nulls('finalized_at', 'marked_uncollectible_at', 'paid_at', 'voided_at'),
    test_clock: customer.test_clock ?? null,
  };
};

/** The changes when an invoice is finalized. */
export const finalized = (
  invoice: Invoice,
  place: { at: number; number: string; origin: string },
): Partial<Invoice> => ({
  status: 'open',
  number: place.number,
  automatically_finalizes_at: null,
  effective_at: place.at,
  ending_balance: 0,
  hosted_invoice_url: `${place.origin}/i/${invoice.id}`,
  invoice_pdf: `${place.origin}/i/${invoice.id}/pdf`,
  payments: paymentsOf(invoice, place.at)!,
  status_transitions: { ...invoice.status_transitions, finalized_at: place.at },
});

const paidPayments = ({ payments }: Invoice, at: number): Invoice['payments'] => ({
  ...payments!,
  data: payments!.data.map((one) => ({
    ...one,
    amount_paid: one.amount_requested,
    status: 'paid',
    status_transitions: { ...one.status_transitions, paid_at: at },
  })),
});

/** The changes when an invoice is fully paid. */
export const paid = (invoice: Invoice, at: number): Partial<Invoice> => ({
  status: 'paid',
  amount_paid: invoice.amount_due,
  amount_remaining: 0,
  attempted: true,
  auto_advance: false,
  next_payment_attempt: null,
  payments: paidPayments(invoice, at)!,
  status_transitions: { ...invoice.status_transitions, paid_at: at },
});
