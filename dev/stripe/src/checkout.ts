import { draftInvoice, finalized, newSubscription, paid } from './billing-objects.ts';
import type { Purchase } from './billing-objects.ts';
import { createCustomer } from './customers.ts';
import { newId } from './ids.ts';
import { NO_REQUEST } from './stand.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
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
  trialDays: number;
  subscriptionMetadata: Record<string, string>;
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
  ...nulls('adaptive_pricing', 'after_expiration', 'allow_promotion_codes', 'billing_address_collection'),
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
  payment_method_types: ['card'],
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
  const due = order.trialDays ? 0 : item.amount_total;
  const session: Session = {
    id,
    object: 'checkout.session',
    ...unset(),
    ...payment(),
    amount_subtotal: due,
    amount_total: due,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
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
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: 'hosted_page',
    url: `${origin}/c/pay/${id}`,
  };
  state.sessions[id] = session;
  state.plans[id] = { trialDays: order.trialDays, metadata: order.subscriptionMetadata };
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
    ...(state.plans[id] ?? { trialDays: 0, metadata: {} }),
  };
};

/** Creates and pays the first invoice, with the events of each step. */
const payFirstInvoice = (stand: Stand, draft: Invoice, customer: Customer): Invoice => {
  const { state, emit } = stand;
  const say = (type: string) => emit(NO_REQUEST, type, draft);
  const sequence = customer.next_invoice_sequence ?? 1;
  const number = `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`;
  customer.next_invoice_sequence = sequence + 1;
  state.invoices[draft.id] = draft;
  say('invoice.created');
  Object.assign(draft, finalized(draft, { now: stand.now(), number, origin: stand.origin }));
  say('invoice.finalized');
  Object.assign(draft, paid(draft, stand.now()));
  say('invoice.paid');
  say('invoice.payment_succeeded');
  return draft;
};

const subscribe = (stand: Stand, purchase: Purchase): { subscription: Subscription; invoice: Invoice } => {
  const now = stand.now();
  const subscription = newSubscription(purchase, now);
  const draft = draftInvoice(subscription, purchase, now);
  subscription.latest_invoice = draft.id;
  stand.state.subscriptions[subscription.id] = subscription;
  purchase.customer.currency ??= subscription.currency;
  stand.emit(NO_REQUEST, 'customer.subscription.created', subscription);
  return { subscription, invoice: payFirstInvoice(stand, draft, purchase.customer) };
};

/** Completes a session after a successful payment. The session must be open. */
export const completeSession = (
  stand: Stand,
  session: Session,
  payer: { email: string; name: string },
): Session => {
  const customer = session.customer
    ? find(stand.state.customers, session.customer, 'customer')
    : createCustomer(stand, NO_REQUEST, payer);
  const offer = offerOf(stand, session);
  const { subscription, invoice } = subscribe(stand, { ...offer, customer });
  Object.assign(session, {
    customer: customer.id,
    customer_details: {
      ...nulls('address', 'business_name', 'individual_name', 'phone'),
      email: customer.email ?? payer.email,
      name: payer.name,
      tax_exempt: 'none',
      tax_ids: [],
    },
    invoice: invoice.id,
    payment_status: offer.trialDays ? 'no_payment_required' : 'paid',
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
