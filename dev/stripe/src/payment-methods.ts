import { newId } from './ids.ts';
import type { Instrument, Payer } from './payer.ts';
import { change } from './stand.ts';
import type { Stand } from './stand.ts';
import { nulls } from './wire.ts';
import type { Cause, Customer, PaymentMethod, Subscription } from './wire.ts';

const fingerprintOf = ({ type, last4 }: Instrument): string => `${type}${last4}`.replace(/\W|_/g, '');

const cardOf = (instrument: Instrument & { type: 'card' }): PaymentMethod['card'] => ({
  ...nulls('generated_from', 'wallet'),
  brand: instrument.brand,
  checks: { ...nulls('address_line1_check', 'address_postal_code_check'), cvc_check: 'pass' },
  country: 'US',
  display_brand: instrument.brand,
  exp_month: instrument.expMonth,
  exp_year: instrument.expYear,
  fingerprint: fingerprintOf(instrument),
  funding: 'credit',
  last4: instrument.last4,
  networks: { available: [instrument.brand], preferred: null },
  regulated_status: 'unregulated',
  three_d_secure_usage: { supported: true },
});

const accountOf = (instrument: Instrument): PaymentMethod['us_bank_account'] => ({
  account_holder_type: 'company',
  account_type: 'checking',
  bank_name: 'STRIPE TEST BANK',
  financial_connections_account: null,
  fingerprint: fingerprintOf(instrument),
  last4: instrument.last4,
  networks: { preferred: 'ach', supported: ['ach'] },
  routing_number: '110000000',
  status_details: null,
});

/** A payment method of this customer. */
export const attach = (
  { state, emit }: Stand,
  cause: Cause,
  customer: Customer,
  given: { payer: Pick<Payer, 'name' | 'instrument' | 'address'>; at: number },
): PaymentMethod => {
  const { name, instrument, address = null } = given.payer;
  const method: PaymentMethod = {
    id: newId('pm_1'),
    object: 'payment_method',
    allow_redisplay: 'limited',
    billing_details: { address, email: customer.email, name, phone: null, tax_id: null },
    created: given.at,
    customer: customer.id,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: instrument.type,
    ...(instrument.type === 'card'
      ? { card: cardOf(instrument)! }
      : { us_bank_account: accountOf(instrument)! }),
  };
  state.methods[method.id] = method;
  state.behaviours[method.id] = instrument.behaviour;
  emit(cause, 'payment_method.attached', method);
  return method;
};

/** The method that the invoices of this subscription are paid by. */
export const methodOf = ({ state }: Stand, subscription: Subscription): PaymentMethod | undefined => {
  const customer = state.customers[subscription.customer];
  const id = subscription.default_payment_method ?? customer?.invoice_settings.default_payment_method;
  return id ? state.methods[id] : undefined;
};

/** From now on the customer and its subscriptions pay by this method, as after a change in the portal. */
export const makeDefault = (stand: Stand, cause: Cause, customer: Customer, { id }: PaymentMethod): void => {
  change(stand, cause, 'customer.updated', customer, {
    invoice_settings: { ...customer.invoice_settings, default_payment_method: id },
  });
  for (const subscription of Object.values(stand.state.subscriptions)) {
    if (subscription.customer !== customer.id || subscription.ended_at) continue;
    change(stand, cause, 'customer.subscription.updated', subscription, { default_payment_method: id });
  }
};
