import { settle } from './bank-debits.ts';
import { closeDispute, openDispute, refund } from './charges.ts';
import { advanceShared } from './clock-runs.ts';
import { sharedNow, timeOf } from './clocks.ts';
import { invalid } from './errors.ts';
import { newId } from './ids.ts';
import { NO_REQUEST, change } from './stand.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
import { pause, unpause, withPrice } from './subscriptions.ts';
import type { Charge, Price, StripeEvent, Subscription } from './wire.ts';

const DAY = 86_400;
const HOUR = 3_600;

/** Something that happens to objects at Stripe without a request of ours. */
type Action = (stand: Stand, id: string, query: URLSearchParams) => unknown;

const countOf = (query: URLSearchParams, name: string, initial: number): number => {
  const value = query.get(name) ?? String(initial);
  if (!/^\d{1,6}$/.test(value)) throw invalid(`${name} must be a whole number.`, { param: name });
  return Number(value);
};

/** An event in one line. */
const lineOf = ({ id, type, data }: StripeEvent) => {
  const { id: object, customer = null } = data.object as { id?: string; customer?: string | null };
  return { id, type, object: object ?? null, customer };
};

/** Moves the time of every customer without a clock of its own. Answers the new time, and what happened. */
const moveTime: Action = (stand, _id, query) => {
  const seconds = countOf(query, 'days', 0) * DAY + countOf(query, 'hours', 0) * HOUR;
  if (seconds === 0) throw invalid('Say how far to advance: ?days=25 or ?hours=1.');
  const before = new Set(Object.keys(stand.state.events));
  advanceShared(stand, seconds);
  const events = Object.values(stand.state.events).filter(({ id }) => !before.has(id));
  return { now: new Date(sharedNow(stand) * 1_000).toISOString(), events: events.map(lineOf) };
};

const chargeOf = ({ state }: Stand, id: string): Charge => find(state.charges, id, 'charge');

const subscriptionOf = ({ state }: Stand, id: string): Subscription =>
  find(state.subscriptions, id, 'subscription');

const dispute: Action = (stand, id) => {
  const charge = chargeOf(stand, id);
  return openDispute(stand, charge, timeOf(stand, find(stand.state.customers, charge.customer!, 'customer')));
};

const closeIt: Action = (stand, id, query) => {
  const status = query.get('status') === 'lost' ? 'lost' : 'won';
  return closeDispute(stand, find(stand.state.disputes, id, 'dispute'), status);
};

const failNext: Action = ({ state }, id, query) => {
  const customer = find(state.customers, id, 'customer');
  state.failing[customer.id] = countOf(query, 'times', 1);
  return { customer: customer.id, failing: state.failing[customer.id] };
};

/** A new price of the same product, without a lookup key. */
const changePrice: Action = (stand, id, query) => {
  const subscription = subscriptionOf(stand, id);
  const { price: old } = subscription.items.data[0]!;
  const amount = countOf(query, 'amount', (old.unit_amount ?? 0) + 1_000);
  const amounts = { unit_amount: amount, unit_amount_decimal: String(amount) };
  const price: Price = { ...old, id: newId('price_1'), created: stand.now(), lookup_key: null, ...amounts };
  stand.state.prices[price.id] = price;
  stand.emit(NO_REQUEST, 'price.created', price);
  const items = withPrice(subscription.items, { price });
  return change(stand, NO_REQUEST, 'customer.subscription.updated', subscription, { items });
};

const settleNow: Action = (stand, id, query) => {
  const { customer } = find(stand.state.invoices, id, 'invoice');
  const at = timeOf(stand, find(stand.state.customers, customer!, 'customer'));
  return settle(stand, id, { at, succeeds: query.get('outcome') !== 'fail' });
};

const ACTIONS: Record<string, Action> = {
  advance: moveTime,
  'charges/refund': (stand, id, query) => {
    const charge = chargeOf(stand, id);
    return refund(stand, charge, countOf(query, 'amount', charge.amount - charge.amount_refunded));
  },
  'charges/dispute': dispute,
  'disputes/close': closeIt,
  'customers/fail-next-payment': failNext,
  'subscriptions/pause': (stand, id) => pause(stand, subscriptionOf(stand, id)),
  'subscriptions/resume': (stand, id) => unpause(stand, subscriptionOf(stand, id)),
  'subscriptions/change-price': changePrice,
  'invoices/settle': settleNow,
};

/** The action of this path: `/_dev/advance`, or `/_dev/charges/<id>/refund`. */
export const actionOf = (path: string): ((stand: Stand, query: URLSearchParams) => unknown) | undefined => {
  const [, , folder = '', id = '', verb] = path.split('/');
  const name = verb === undefined ? folder : `${folder}/${verb}`;
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  return action && ((stand, query) => action(stand, id, query));
};
