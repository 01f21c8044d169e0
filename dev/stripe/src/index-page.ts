import { html } from './html.ts';
import type { Markup } from './html.ts';
import { layout } from './layout.ts';
import type { Page } from './layout.ts';
import type { State } from './state.ts';

const SHOWN = 100;

type Row = Record<string, string | number | null | undefined | Markup>;

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
        ${Object.values(row).map((value) => html`<td>${value}</td>`)}
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

/** For developers: the objects, and the delivery of each webhook. */
export const showIndex = (state: State): Page => {
  const customers = newest(state.customers).map(({ id, email, created }) => ({
    id,
    email,
    created: time(created),
  }));
  const sessions = newest(state.sessions).map(({ id, status, customer, subscription, url }) => ({
    id: url ? html`<a href="${url}">${id.slice(0, 24)}…</a>` : `${id.slice(0, 24)}…`,
    status,
    customer,
    subscription,
  }));
  const subscriptions = newest(state.subscriptions).map(
    ({ id, status, customer, items, cancel_at_period_end }) => ({
      id,
      status,
      customer,
      'period ends': time(items.data[0]!.current_period_end),
      'cancels then': cancel_at_period_end ? 'yes' : 'no',
    }),
  );
  const deliveries = newest(state.deliveries).map(({ type, url, attempts, lastStatus, nextAt }) => ({
    event: type,
    to: url,
    attempts,
    'last answer': lastStatus,
    next: nextAt === null ? 'none' : time(nextAt / 1_000),
  }));
  const body = html`<h1>Stripe, on this machine</h1>
    <p class="note">Times are UTC. Each table has the newest ${SHOWN}.</p>
    ${table('Customers', customers)} ${table('Checkout sessions', sessions)}
    ${table('Subscriptions', subscriptions)} ${table('Webhook deliveries', deliveries)}`;
  return layout({ title: 'Stripe, on this machine', body, wide: true });
};
