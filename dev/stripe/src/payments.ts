import { charge } from './charges.ts';
import type { Failure } from './charges.ts';
import { finalized, paid } from './invoice-objects.ts';
import type { Behaviour } from './payer.ts';
import { methodOf } from './payment-methods.ts';
import { NO_REQUEST, change } from './stand.ts';
import type { Stand } from './stand.ts';
import { end } from './subscriptions.ts';
import type { Customer, Invoice, PaymentMethod, Subscription } from './wire.ts';

const DAY = 86_400;
/** The waits after each failed attempt to renew. Then the subscription is canceled. */
const RETRY_DAYS = [3, 5, 7];
const DEBIT_DAYS = 4;

const DECLINED: Failure = {
  code: 'card_declined',
  declineCode: 'generic_decline',
  message: 'Your card was declined.',
};
const UNAUTHENTICATED: Failure = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
};
const NO_METHOD: Failure = {
  code: 'missing',
  message: 'There is no payment method to charge. Add one, then pay again.',
};

export interface Attempt {
  at: number;
  /** Made by the clock, not by a person or a request. */
  isAutomatic?: boolean;
  /** The person has passed 3-D Secure. */
  isConfirmed?: boolean;
  method?: PaymentMethod | undefined;
}

export type Outcome = 'paid' | 'processing' | Failure;

export const subscriptionOf = ({ state }: Stand, { parent }: Invoice): Subscription | undefined =>
  state.subscriptions[parent?.subscription_details?.subscription ?? ''];

/** Gives the draft its number. */
export const finalize = (stand: Stand, invoice: Invoice, at: number): Invoice => {
  const customer: Customer = stand.state.customers[invoice.customer!]!;
  const sequence = customer.next_invoice_sequence ?? 1;
  const number = `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`;
  customer.next_invoice_sequence = sequence + 1;
  Object.assign(invoice, finalized(invoice, { at, number, origin: stand.origin }));
  stand.emit(NO_REQUEST, 'invoice.finalized', invoice);
  return invoice;
};

/** The latest invoice decides whether a subscription is past due. */
const reactivate = (stand: Stand, invoice: Invoice): void => {
  const subscription = subscriptionOf(stand, invoice);
  if (subscription?.latest_invoice !== invoice.id) return;
  if (!['past_due', 'unpaid', 'incomplete'].includes(subscription.status)) return;
  change(stand, NO_REQUEST, 'customer.subscription.updated', subscription, { status: 'active' });
};

const succeed = (stand: Stand, invoice: Invoice, at: number): Outcome => {
  Object.assign(invoice, paid(invoice, at));
  stand.emit(NO_REQUEST, 'invoice.paid', invoice);
  stand.emit(NO_REQUEST, 'invoice.payment_succeeded', invoice);
  reactivate(stand, invoice);
  return 'paid';
};

/** Only automatic attempts move the schedule of retries. */
const fail = (stand: Stand, invoice: Invoice, attempt: Attempt, failure: Failure): Outcome => {
  const wait = RETRY_DAYS[invoice.attempt_count - 1];
  if (attempt.isAutomatic) {
    invoice.next_payment_attempt = wait === undefined ? null : attempt.at + wait * DAY;
    invoice.auto_advance = wait !== undefined;
  }
  stand.emit(NO_REQUEST, 'invoice.payment_failed', invoice);
  if (failure.code === 'authentication_required') {
    stand.emit(NO_REQUEST, 'invoice.payment_action_required', invoice);
  }
  const subscription = subscriptionOf(stand, invoice);
  if (!subscription || subscription.ended_at) return failure;
  if (attempt.isAutomatic && wait === undefined)
    end(stand, NO_REQUEST, subscription, { at: attempt.at, reason: 'payment_failed' });
  else if (subscription.status === 'active') {
    change(stand, NO_REQUEST, 'customer.subscription.updated', subscription, { status: 'past_due' });
  }
  return failure;
};

/** What keeps this payment from succeeding. */
const obstacle = (
  stand: Stand,
  invoice: Invoice,
  attempt: Attempt,
  behaviour: Behaviour,
): Failure | undefined => {
  const { failing } = stand.state;
  const left = failing[invoice.customer!] ?? 0;
  if (attempt.isAutomatic && left > 0) {
    failing[invoice.customer!] = left - 1;
    return DECLINED;
  }
  if (behaviour === 'declines') return DECLINED;
  return behaviour === 'authenticates' && !attempt.isConfirmed ? UNAUTHENTICATED : undefined;
};

const byMethod = (stand: Stand, invoice: Invoice, attempt: Attempt, method: PaymentMethod): Outcome => {
  const { state } = stand;
  const behaviour = state.behaviours[method.id] ?? 'pays';
  const failure = obstacle(stand, invoice, attempt, behaviour);
  if (failure) {
    if (failure !== UNAUTHENTICATED) charge(stand, invoice, { method, at: attempt.at, failure });
    return fail(stand, invoice, attempt, failure);
  }
  if (behaviour === 'debits' || behaviour === 'debit_fails') {
    const settlesAt = attempt.at + DEBIT_DAYS * DAY;
    state.debits[invoice.id] = {
      invoice: invoice.id,
      method: method.id,
      settlesAt,
      succeeds: behaviour === 'debits',
    };
    return 'processing';
  }
  charge(stand, invoice, { method, at: attempt.at });
  return succeed(stand, invoice, attempt.at);
};

/** Tries to collect an open invoice. */
export const attemptPayment = (stand: Stand, invoice: Invoice, attempt: Attempt): Outcome => {
  if (invoice.amount_due === 0) return succeed(stand, invoice, attempt.at);
  if (stand.state.debits[invoice.id]) return 'processing';
  const subscription = subscriptionOf(stand, invoice);
  const method = attempt.method ?? (subscription && methodOf(stand, subscription));
  invoice.attempted = true;
  invoice.attempt_count = attempt.isAutomatic
    ? invoice.attempt_count + 1
    : Math.max(1, invoice.attempt_count);
  invoice.next_payment_attempt = attempt.isAutomatic ? null : invoice.next_payment_attempt;
  return method ? byMethod(stand, invoice, attempt, method) : fail(stand, invoice, attempt, NO_METHOD);
};

/** The bank has executed a debit, or has returned it. */
export const settleDebit = (
  stand: Stand,
  invoice: Invoice,
  { at, succeeds }: { at: number; succeeds: boolean },
): Outcome => {
  const { debits, methods } = stand.state;
  const method = methods[debits[invoice.id]!.method]!;
  delete debits[invoice.id];
  if (succeeds) {
    charge(stand, invoice, { method, at });
    return succeed(stand, invoice, at);
  }
  const failure = { code: 'insufficient_funds', message: 'The account has insufficient funds.' };
  charge(stand, invoice, { method, at, failure });
  return fail(stand, invoice, { at, isAutomatic: invoice.billing_reason === 'subscription_cycle' }, failure);
};

/** An invoice that nobody has to pay any more. */
export const voidInvoice = (stand: Stand, invoice: Invoice, at: number): void => {
  Object.assign(invoice, {
    status: 'void',
    auto_advance: false,
    next_payment_attempt: null,
    status_transitions: { ...invoice.status_transitions, voided_at: at },
  } satisfies Partial<Invoice>);
  stand.emit(NO_REQUEST, 'invoice.voided', invoice);
};
