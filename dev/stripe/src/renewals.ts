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

/** Something that time does to a subscription. */
interface Due {
  at: number;
  subscription: string;
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

const duesOfSubscription = (stand: Stand, one: Subscription): Due[] => {
  const { id: subscription, status, cancel_at: cancelAt, trial_end: trialEnd, items } = one;
  if (!['trialing', 'active', 'past_due'].includes(status)) return [];
  const periodEnds = items.data[0]!.current_period_end;
  const isNews = status === 'trialing' && stand.state.announced[subscription] !== trialEnd;
  const news = { at: trialEnd! - ANNOUNCED_DAYS * DAY, subscription, act: () => announce(stand, one) };
  return [
    ...(isNews ? [news] : []),
    cancelAt !== null && cancelAt <= periodEnds
      ? { at: cancelAt, subscription, act: (at) => cancel(stand, one, at) }
      : { at: periodEnds, subscription, act: (at) => renew(stand, one, at) },
  ];
};

const duesOfInvoice = (stand: Stand, invoice: Invoice): Due[] => {
  const { id, status, auto_advance: isOn, parent, automatically_finalizes_at: finalizesAt } = invoice;
  const subscription = parent?.subscription_details?.subscription ?? id;
  const debit = stand.state.debits[id];
  const pay = (at: number) => void attemptPayment(stand, invoice, { at, isAutomatic: true });
  if (debit) {
    const { settlesAt, succeeds } = debit;
    return [{ at: settlesAt, subscription, act: (at) => void settle(stand, id, { at, succeeds }) }];
  }
  if (!isOn) return [];
  if (status === 'draft' && finalizesAt !== null) {
    return [{ at: finalizesAt, subscription, act: (at) => (finalize(stand, invoice, at), pay(at)) }];
  }
  return status === 'open' && invoice.next_payment_attempt !== null
    ? [{ at: invoice.next_payment_attempt, subscription, act: pay }]
    : [];
};

/** What is due on this clock, the first one first. */
const duesUntil = (stand: Stand, clock: string | null, until: number): Due[] => {
  const { subscriptions, invoices } = stand.state;
  const isOnIt = ({ test_clock: own = null }: { test_clock: string | null }): boolean => own === clock;
  return [
    ...Object.values(subscriptions)
      .filter(isOnIt)
      .flatMap((one) => duesOfSubscription(stand, one)),
    ...Object.values(invoices)
      .filter(isOnIt)
      .flatMap((one) => duesOfInvoice(stand, one)),
  ]
    .filter(({ at }) => at <= until)
    .toSorted((one, other) => one.at - other.at);
};

/**
 * Does everything that is due on this clock until then, each at its time. `null`: customers without a test clock. What
 * happens to a subscription can change what is due next, so a round does one thing to each.
 */
export const runUntil = (stand: Stand, clock: string | null, until: number): void => {
  for (let dues = duesUntil(stand, clock, until); dues.length; dues = duesUntil(stand, clock, until)) {
    const done = new Set<string>();
    for (const { at, subscription, act } of dues) {
      if (!done.has(subscription)) act(at);
      done.add(subscription);
    }
  }
};
