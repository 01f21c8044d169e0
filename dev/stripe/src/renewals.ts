import { settle } from './bank-debits.ts';
import { draftInvoice } from './invoice-objects.ts';
import { attemptPayment, finalize } from './payments.ts';
import { NO_REQUEST, change } from './stand.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
import { periodEnd } from './subscription-objects.ts';
import { customerOf, end } from './subscriptions.ts';
import type { Invoice, Subscription } from './wire.ts';

const DAY = 86_400;
const ANNOUNCED_DAYS = 3;

/** Something that time does. */
interface Due {
  at: number;
  act(at: number): void;
}

/** The next period of the subscription. */
const nextItems = ({ items, billing_cycle_anchor: anchor }: Subscription): Subscription['items'] => {
  const [item] = items.data;
  const start = item!.current_period_end;
  const until = periodEnd(anchor, start, item!.price.recurring!);
  return { ...items, data: [{ ...item!, current_period_start: start, current_period_end: until }] };
};

/** The draft of the next invoice, which is finalized an hour later. */
export const nextInvoice = (stand: Stand, subscription: Subscription, at: number): Invoice => {
  const [item] = subscription.items.data;
  return draftInvoice(
    {
      customer: customerOf(stand, subscription),
      subscription: { ...subscription, status: 'active', items: nextItems(subscription) },
      product: find(stand.state.products, item!.price.product, 'product'),
      reason: 'subscription_cycle',
      before: { start: item!.current_period_start, end: item!.current_period_end },
    },
    at,
  );
};

const renew = (stand: Stand, subscription: Subscription, at: number): void => {
  const invoice = nextInvoice(stand, subscription, at);
  stand.state.invoices[invoice.id] = invoice;
  stand.emit(NO_REQUEST, 'invoice.created', invoice);
  change(stand, NO_REQUEST, 'customer.subscription.updated', subscription, {
    items: nextItems(subscription),
    latest_invoice: invoice.id,
    status: subscription.status === 'trialing' ? 'active' : subscription.status,
  });
};

const cancel = (stand: Stand, subscription: Subscription, at: number): void => {
  const reason = subscription.cancellation_details?.reason ?? 'cancellation_requested';
  end(stand, NO_REQUEST, subscription, { at, reason });
};

const announce = (stand: Stand, subscription: Subscription): void => {
  stand.state.announced[subscription.id] = subscription.trial_end!;
  stand.emit(NO_REQUEST, 'customer.subscription.trial_will_end', subscription);
};

const duesOfSubscription = (stand: Stand, subscription: Subscription): Due[] => {
  const { id, status, cancel_at: cancelAt, trial_end: trialEnd, items } = subscription;
  if (!['trialing', 'active', 'past_due'].includes(status)) return [];
  const periodEnds = items.data[0]!.current_period_end;
  const isNews = status === 'trialing' && stand.state.announced[id] !== trialEnd;
  return [
    ...(isNews ? [{ at: trialEnd! - ANNOUNCED_DAYS * DAY, act: () => announce(stand, subscription) }] : []),
    cancelAt !== null && cancelAt <= periodEnds
      ? { at: cancelAt, act: (at: number) => cancel(stand, subscription, at) }
      : { at: periodEnds, act: (at: number) => renew(stand, subscription, at) },
  ];
};

const duesOfInvoice = (stand: Stand, invoice: Invoice): Due[] => {
  const { id, status, auto_advance: isOn, automatically_finalizes_at: finalizesAt } = invoice;
  const debit = stand.state.debits[id];
  const pay = (at: number) => void attemptPayment(stand, invoice, { at, isAutomatic: true });
  if (debit) {
    return [{ at: debit.settlesAt, act: (at) => void settle(stand, id, { at, succeeds: debit.succeeds }) }];
  }
  if (!isOn) return [];
  if (status === 'draft' && finalizesAt !== null) {
    return [{ at: finalizesAt, act: (at) => (finalize(stand, invoice, at), pay(at)) }];
  }
  return status === 'open' && invoice.next_payment_attempt !== null
    ? [{ at: invoice.next_payment_attempt, act: pay }]
    : [];
};

/** The first thing that is due on this clock. */
const nextDue = (stand: Stand, clock: string | null): Due | undefined => {
  const { subscriptions, invoices } = stand.state;
  const isOnIt = ({ test_clock: own = null }: { test_clock: string | null }): boolean => own === clock;
  const dues = [
    ...Object.values(subscriptions)
      .filter(isOnIt)
      .flatMap((one) => duesOfSubscription(stand, one)),
    ...Object.values(invoices)
      .filter(isOnIt)
      .flatMap((one) => duesOfInvoice(stand, one)),
  ];
  return dues.reduce<Due | undefined>((first, due) => (first && first.at <= due.at ? first : due), undefined);
};

/** Does everything that is due on this clock until then, each at its time. `null`: customers without a test clock. */
export const runUntil = (stand: Stand, clock: string | null, until: number): void => {
  for (let due = nextDue(stand, clock); due && due.at <= until; due = nextDue(stand, clock)) due.act(due.at);
};
