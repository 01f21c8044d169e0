import { sharedNow } from './clocks.ts';
import { html } from './html.ts';
import type { Markup } from './html.ts';
import { layout } from './layout.ts';
import type { Page } from './layout.ts';
import { intervalOf, money } from './money.ts';
import type { Stand } from './stand.ts';

const SHOWN = 100;

type Row = Record<string, string | number | null | undefined | false | Markup | (Markup | string)[]>;

const table = (title: string, rows: Row[]): Markup => {
  const [first] = rows;
  if (!first) {
    return html`<h2>${title}</h2>
      <p class="note">None yet.</p>`;
  }
  const head = Object.keys(first).map((name) => html`<th scope="col">${name}</th>`);
  const lines = rows.map(
    (row) =>
      html`<tr>
        ${Object.values(row).map((value) => html`<td>${value === false ? '' : value}</td>`)}
      </tr>`,
  );
  return html`<h2>${title}</h2>
    <div class="table" tabindex="0" role="region" aria-label="${title}">
      <table>
        <thead>
          <tr>
            ${head}
          </tr>
        </thead>
        <tbody>
          ${lines}
        </tbody>
      </table>
    </div>`;
};

const newest = <T>(collection: Record<string, T>): T[] =>
  Object.values(collection).toReversed().slice(0, SHOWN);

const time = (seconds: number): string =>
  new Date(seconds * 1_000).toISOString().slice(0, 19).replace('T', ' ');

/** A button that uses a control for developers. */
const button = (label: string, path: string): Markup =>
  html`<form class="inline" method="post" action="/_dev/${path}">
    <button class="small">${label}</button>
  </form>`;

const STEPS: [string, string][] = [
  ['1 hour', 'hours=1'],
  ['1 day', 'days=1'],
  ['7 days', 'days=7'],
  ['25 days', 'days=25'],
  ['31 days', 'days=31'],
];

const clock = (stand: Stand): Markup =>
  html`<h2>Time</h2>
    <p>It is ${time(sharedNow(stand))} for every customer without a test clock of its own.</p>
    <p>Advance by ${STEPS.map(([label, query]) => button(label, `advance?${query}`))}</p>`;

const customersOf = ({ state }: Stand): Row[] =>
  newest(state.customers).map(({ id, email, created, test_clock: own }) => ({
    id,
    email,
    created: time(created),
    'test clock': own,
    'next payments that fail': state.failing[id] ?? 0,
    actions: button('Next payment fails', `customers/${id}/fail-next-payment`),
  }));

const sessionsOf = ({ state }: Stand): Row[] =>
  newest(state.sessions).map(({ id, status, payment_status: payment, customer, subscription, url }) => ({
    id: url ? html`<a href="${url}">${id.slice(0, 24)}…</a>` : `${id.slice(0, 24)}…`,
    status,
    payment,
    customer,
    subscription,
  }));

const subscriptionsOf = ({ state }: Stand): Row[] =>
  newest(state.subscriptions).map(({ id, status, customer, items, cancel_at: cancelAt }) => {
    const { price, current_period_end: end } = items.data[0]!;
    return {
      id,
      status,
      customer,
      price: `${money(price.unit_amount ?? 0, price.currency)} per ${intervalOf(price)}`,
      'period ends': time(end),
      'ends at': cancelAt && time(cancelAt),
      actions: [
        status === 'paused'
          ? button('Resume', `subscriptions/${id}/resume`)
          : button('Pause', `subscriptions/${id}/pause`),
        button('Raise price', `subscriptions/${id}/change-price`),
      ],
    };
  });

const invoicesOf = ({ state }: Stand): Row[] =>
  newest(state.invoices).map((invoice) => {
    const { id, number, status, customer, total, currency, attempt_count: attempts } = invoice;
    return {
      number: number ? html`<a href="/i/${id}">${number}</a>` : 'draft',
      status,
      customer,
      total: money(total, currency),
      attempts,
      'next attempt': invoice.next_payment_attempt && time(invoice.next_payment_attempt),
      actions: state.debits[id] && [
        button('Bank debit arrives', `invoices/${id}/settle?outcome=succeed`),
        button('Bank debit fails', `invoices/${id}/settle?outcome=fail`),
      ],
    };
  });

const chargesOf = ({ state }: Stand): Row[] =>
  newest(state.charges).map(({ id, status, customer, amount, currency, amount_refunded, disputed }) => ({
    id,
    status,
    customer,
    amount: money(amount, currency),
    refunded: money(amount_refunded, currency),
    actions: status === 'succeeded' && [
      amount_refunded < amount ? button('Refund', `charges/${id}/refund`) : '',
      disputed ? '' : button('Dispute', `charges/${id}/dispute`),
    ],
  }));

const disputesOf = ({ state }: Stand): Row[] =>
  newest(state.disputes).map(({ id, status, charge, amount, currency }) => ({
    id,
    status,
    charge,
    amount: money(amount, currency),
    actions: status === 'needs_response' && [
      button('Close as won', `disputes/${id}/close?status=won`),
      button('Close as lost', `disputes/${id}/close?status=lost`),
    ],
  }));

const deliveriesOf = ({ state }: Stand): Row[] =>
  newest(state.deliveries).map(({ type, url, attempts, lastStatus, nextAt }) => ({
    event: type,
    to: url,
    attempts,
    'last answer': lastStatus,
    next: nextAt === null ? 'none' : time(nextAt / 1_000),
  }));

/** For developers: the objects, what can happen to them, and the delivery of each webhook. */
export const showIndex = (stand: Stand): Page => {
  const body = html`<h1>Stripe, on this machine</h1>
    <p class="note">Times are UTC. Each table has the newest ${SHOWN}.</p>
    ${clock(stand)} ${table('Customers', customersOf(stand))} ${table('Checkout sessions', sessionsOf(stand))}
    ${table('Subscriptions', subscriptionsOf(stand))} ${table('Invoices', invoicesOf(stand))}
    ${table('Charges', chargesOf(stand))} ${table('Disputes', disputesOf(stand))}
    ${table('Webhook deliveries', deliveriesOf(stand))}`;
  return layout({ title: 'Stripe, on this machine', body, wide: true });
};
