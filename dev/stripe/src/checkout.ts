import { timeOf } from './clocks.ts';
import { createCustomer } from './customers.ts';
import { newId } from './ids.ts';
import { draftInvoice } from './invoice-objects.ts';
import { attach } from './payment-methods.ts';
import type { Payer } from './payer.ts';
import { attemptPayment, finalize } from './payments.ts';
import { NO_REQUEST, change } from './stand.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
import type { Plan } from './state.ts';
import { newSubscription } from './subscription-objects.ts';
import type { Purchase } from './subscription-objects.ts';
import { listOf, nulls } from './wire.ts';
import type { Cause, Customer, Invoice, Price, Session, Subscription } from './wire.ts';

export interface Order {
  price: Price;
  quantity: number;
  customer?: string | undefined;
  customer_email?: string | undefined;
  client_reference_id?: string | undefined;
  success_url: string;
  cancel_url?: string | undefined;
  expires_at: number;
  metadata: Record<string, string>;
  billing_address_collection?: 'auto' | 'required' | undefined;
  tax_id_collection?: { enabled: boolean } | undefined;
  plan: Plan;
}

const lineItem = ({ price, quantity }: Order, description: string) => {
  const amount = (price.unit_amount ?? 0) * quantity;
  return {
    id: newId('li_1'),
    object: 'item' as const,
    ...nulls('adjustable_quantity'),
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description,
    metadata: {},
    price: structuredClone(price),
    quantity,
  };
};

/** Fields that our sessions never set, or not while they are open. */
const unset = () => ({
  ...nulls('adaptive_pricing', 'after_expiration', 'allow_promotion_codes'),
  ...nulls('client_secret', 'collected_information', 'consent', 'consent_collection', 'submit_type'),
  ...nulls(
    'currency_conversion',
    'customer_account',
    'customer_details',
    'integration_identifier',
    'invoice',
  ),
  ...nulls('invoice_creation', 'locale', 'managed_payments', 'origin_context', 'payment_intent'),
  ...nulls('payment_link', 'payment_method_configuration_details', 'permissions', 'recovered_from'),
  ...nulls('setup_intent', 'shipping_address_collection', 'shipping_cost', 'subscription', 'wallet_options'),
});

/** The payment fields of all our sessions. */
const payment = () => ({
  payment_method_collection: 'always' as const,
  payment_method_options: { card: { request_three_d_secure: 'automatic' as const } },
  payment_method_types: ['card', 'us_bank_account'],
  payment_status: 'unpaid' as const,
  phone_number_collection: { enabled: false },
  saved_payment_method_options: {
    allow_redisplay_filters: ['always' as const],
    payment_method_remove: 'disabled' as const,
    payment_method_save: null,
  },
});

/** Opens a session for a subscription, on the page that we host. */
export const openSession = (stand: Stand, order: Order): Session => {
  const { state, now, origin } = stand;
  const id = newId('cs_test_', 58);
  const product = find(state.products, order.price.product, 'product');
  const item = lineItem(order, product.name);
  // A trial costs nothing today.
  const due = order.plan.trialDays ? 0 : item.amount_total;
  const session: Session = {
    id,
    object: 'checkout.session',
    ...unset(),
    ...payment(),
    amount_subtotal: due,
    amount_total: due,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: order.billing_address_collection ?? null,
    cancel_url: order.cancel_url ?? null,
    client_reference_id: order.client_reference_id ?? null,
    created: now(),
    currency: order.price.currency,
    custom_fields: [],
    custom_text: nulls('after_submit', 'shipping_address', 'submit', 'terms_of_service_acceptance'),
    customer: order.customer ?? null,
    customer_creation: order.customer ? null : 'always',
    customer_email: order.customer_email ?? null,
    discounts: [],
    expires_at: order.expires_at,
    line_items: listOf(`/v1/checkout/sessions/${id}/line_items`, [item]),
    livemode: false,
    metadata: order.metadata,
    mode: 'subscription',
    shipping_options: [],
    status: 'open',
    success_url: order.success_url,
    ...(order.tax_id_collection && { tax_id_collection: { ...order.tax_id_collection, required: 'never' } }),
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: 'hosted_page',
    url: `${origin}/c/pay/${id}`,
  };
  state.sessions[id] = session;
  state.plans[id] = order.plan;
  return session;
};

/** What the session sells. */
export const offerOf = ({ state }: Stand, { id, line_items }: Session) => {
  const item = line_items!.data[0]!;
  const price = item.price!;
  return {
    price,
    product: find(state.products, price.product, 'product'),
    quantity: item.quantity ?? 1,
    ...state.plans[id]!,
  };
};

/** Creates the first invoice and asks for its payment, with the events of each step. */
const payFirstInvoice = (
  stand: Stand,
  subscription: Subscription,
  purchase: Purchase,
  at: number,
): Invoice => {
  const { customer, product } = purchase;
  const before = { start: at, end: at };
  const invoice = draftInvoice(
    { customer, subscription, product, reason: 'subscription_create', before },
    at,
  );
  stand.state.invoices[invoice.id] = invoice;
  subscription.latest_invoice = invoice.id;
  stand.emit(NO_REQUEST, 'customer.subscription.created', subscription);
  stand.emit(NO_REQUEST, 'invoice.created', invoice);
  finalize(stand, invoice, at);
  attemptPayment(stand, invoice, { at, isConfirmed: true });
  return invoice;
};

const subscribe = (stand: Stand, purchase: Purchase, isLater: boolean) => {
  const { customer } = purchase;
  const at = timeOf(stand, customer);
  const subscription = newSubscription(purchase, at);
  if (isLater) subscription.status = 'incomplete';
  stand.state.subscriptions[subscription.id] = subscription;
  customer.currency ??= subscription.currency;
  return { subscription, invoice: payFirstInvoice(stand, subscription, purchase, at) };
};

/** The customer, with what the session may change of it. */
const buyerOf = (stand: Stand, session: Session, payer: Payer): Customer => {
  if (!session.customer) {
    const { email, businessName, name, address } = payer;
    return createCustomer(stand, NO_REQUEST, { email, name: businessName || name, address });
  }
  const customer = find(stand.state.customers, session.customer, 'customer');
  const { address, name } = stand.state.plans[session.id]?.updates ?? {};
  const update = {
    ...(address === 'auto' && payer.address && { address: payer.address }),
    ...(name === 'auto' && { name: payer.businessName || payer.name }),
  };
  if (Object.keys(update).length) change(stand, NO_REQUEST, 'customer.updated', customer, update);
  return customer;
};

const detailsOf = (customer: Customer, payer: Payer): Session['customer_details'] => ({
  ...nulls('individual_name', 'phone'),
  address: payer.address ?? null,
  business_name: payer.businessName || null,
  email: customer.email ?? payer.email,
  name: payer.businessName || payer.name,
  tax_exempt: 'none',
  tax_ids: payer.taxId ? [{ type: 'unknown', value: payer.taxId }] : [],
});

/** Completes a session whose customer has confirmed. A card has paid then, and a bank debit pays days later. */
export const completeSession = (stand: Stand, session: Session, payer: Payer): Session => {
  const customer = buyerOf(stand, session, payer);
  const at = timeOf(stand, customer);
  const offer = offerOf(stand, session);
  const method = attach(stand, NO_REQUEST, customer, { payer, at });
  const isLater = method.type !== 'card' && offer.trialDays === 0;
  const { subscription, invoice } = subscribe(stand, { ...offer, customer, method: method.id }, isLater);
  Object.assign(session, {
    customer: customer.id,
    customer_details: detailsOf(customer, payer)!,
    invoice: invoice.id,
    payment_status: offer.trialDays ? 'no_payment_required' : isLater ? 'unpaid' : 'paid',
    status: 'complete',
    subscription: subscription.id,
    url: null,
  } satisfies Partial<Session>);
  stand.emit(NO_REQUEST, 'checkout.session.completed', session);
  return session;
};

export const expireSession = (stand: Stand, cause: Cause, session: Session): Session => {
  Object.assign(session, { status: 'expired', url: null } satisfies Partial<Session>);
  stand.emit(cause, 'checkout.session.expired', session);
  return session;
};

/** Expires the sessions that are due. */
export const expireDue = (stand: Stand): void => {
  for (const session of Object.values(stand.state.sessions)) {
    if (session.status === 'open' && session.expires_at <= stand.now()) {
      expireSession(stand, NO_REQUEST, session);
    }
  }
};
