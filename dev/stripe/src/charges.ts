import { invalid } from './errors.ts';
import { newId } from './ids.ts';
import { NO_REQUEST, change } from './stand.ts';
import type { Stand } from './stand.ts';
import { nulls } from './wire.ts';
import type { Charge, Dispute, Invoice, PaymentMethod } from './wire.ts';

const ANSWER_DAYS = 7;
const DAY = 86_400;

export interface Failure {
  code: string;
  declineCode?: string;
  message: string;
}

type Details = NonNullable<Charge['payment_method_details']>;

const detailsOf = ({ type, card, us_bank_account: account }: PaymentMethod): Details => {
  if (!card) {
    const { bank_name, last4, fingerprint, routing_number } = account!;
    const holder = { account_holder_type: 'company', account_type: 'checking', payment_reference: null };
    return { type, us_bank_account: { ...holder, bank_name, last4, fingerprint, routing_number } };
  }
  const { brand, checks, country, exp_month, exp_year, funding, last4 } = card;
  return {
    type,
    card: {
      ...nulls('amount_authorized', 'authorization_code', 'electronic_commerce_indicator', 'installments'),
      ...nulls('mandate', 'network_transaction_id', 'regulated_status', 'three_d_secure', 'wallet'),
      ...nulls('transaction_link_id'),
      ...{ brand, checks, country, exp_month, exp_year, funding, last4, network: brand },
    },
  };
};

const outcomeOf = (failure: Failure | undefined): NonNullable<Charge['outcome']> => ({
  ...nulls('advice_code', 'network_advice_code', 'network_decline_code'),
  network_status: failure ? 'declined_by_network' : 'approved_by_network',
  reason: failure ? (failure.declineCode ?? failure.code) : null,
  risk_level: 'normal',
  seller_message: failure ? failure.message : 'Payment complete.',
  type: failure ? 'issuer_declined' : 'authorized',
});

const intentOf = (invoice: Invoice): string | null =>
  invoice.payments?.data.find((one) => one.is_default)?.payment.payment_intent ?? null;

/** Charges the amount of this invoice, or fails to. */
export const charge = (
  { state, emit }: Stand,
  invoice: Invoice,
  attempt: { method: PaymentMethod; at: number; failure?: Failure | undefined },
): Charge => {
  const { method, at, failure } = attempt;
  const made: Charge = {
    id: newId('ch_3'),
    object: 'charge',
    ...nulls('application', 'application_fee', 'application_fee_amount', 'balance_transaction', 'review'),
    ...nulls('failure_balance_transaction', 'fraud_details', 'on_behalf_of', 'receipt_number', 'shipping'),
    ...nulls('receipt_url', 'source', 'source_transfer', 'statement_descriptor', 'transfer_data'),
    ...nulls('statement_descriptor_suffix', 'transfer_group', 'calculated_statement_descriptor'),
    amount: invoice.amount_due,
    amount_captured: failure ? 0 : invoice.amount_due,
    amount_refunded: 0,
    billing_details: method.billing_details,
    captured: !failure,
    created: at,
    currency: invoice.currency,
    customer: invoice.customer,
    description: 'Subscription',
    disputed: false,
    failure_code: failure?.code ?? null,
    failure_message: failure?.message ?? null,
    livemode: false,
    metadata: {},
    outcome: outcomeOf(failure),
    paid: !failure,
    payment_intent: intentOf(invoice),
    payment_method: method.id,
    payment_method_details: detailsOf(method),
    receipt_email: invoice.customer_email,
    refunded: false,
    status: failure ? 'failed' : 'succeeded',
  };
  state.charges[made.id] = made;
  emit(NO_REQUEST, failure ? 'charge.failed' : 'charge.succeeded', made);
  return made;
};

/** Gives money back, as somebody does in Stripe's dashboard. */
export const refund = (stand: Stand, paid: Charge, amount = paid.amount - paid.amount_refunded): Charge => {
  const refunded = paid.amount_refunded + amount;
  if (paid.status !== 'succeeded' || amount <= 0 || refunded > paid.amount) {
    throw invalid(`Charge ${paid.id} has no ${amount} left to refund.`, { code: 'charge_already_refunded' });
  }
  return change(stand, NO_REQUEST, 'charge.refunded', paid, {
    amount_refunded: refunded,
    refunded: refunded === paid.amount,
  });
};

type Evidence = Dispute['evidence'];

const NO_EVIDENCE = {
  ...nulls('access_activity_log', 'billing_address', 'cancellation_policy', 'cancellation_rebuttal'),
  ...nulls('cancellation_policy_disclosure', 'customer_communication', 'customer_email_address', 'receipt'),
  ...nulls('customer_name', 'customer_purchase_ip', 'customer_signature', 'duplicate_charge_documentation'),
  ...nulls('duplicate_charge_explanation', 'duplicate_charge_id', 'product_description', 'refund_policy'),
  ...nulls('refund_policy_disclosure', 'refund_refusal_explanation', 'service_date', 'shipping_address'),
  ...nulls('service_documentation', 'shipping_carrier', 'shipping_date', 'shipping_documentation'),
  ...nulls('shipping_tracking_number', 'uncategorized_file', 'uncategorized_text'),
  enhanced_evidence: {},
} satisfies Evidence;

/** The cardholder disputes a charge. A dispute has no customer: its charge has. */
export const openDispute = (stand: Stand, paid: Charge, at: number): Dispute => {
  if (paid.status !== 'succeeded' || paid.disputed) {
    throw invalid(`Charge ${paid.id} cannot be disputed: it failed, or it already was.`);
  }
  const dispute: Dispute = {
    id: newId('du_1'),
    object: 'dispute',
    amount: paid.amount,
    balance_transactions: [],
    charge: paid.id,
    created: at,
    currency: paid.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: at + ANSWER_DAYS * DAY,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: paid.payment_intent,
    reason: 'fraudulent',
    status: 'needs_response',
  };
  paid.disputed = true;
  stand.state.disputes[dispute.id] = dispute;
  stand.emit(NO_REQUEST, 'charge.dispute.created', dispute);
  return dispute;
};

/** The charge stays marked as disputed, as at Stripe. */
export const closeDispute = (stand: Stand, dispute: Dispute, status: 'won' | 'lost'): Dispute => {
  if (['won', 'lost'].includes(dispute.status)) throw invalid(`Dispute ${dispute.id} is closed.`);
  return change(stand, NO_REQUEST, 'charge.dispute.closed', dispute, { status });
};
