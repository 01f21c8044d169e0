import { cardOf, decline, formProblems } from './cards.ts';
import type { FieldName, Problem, Typed } from './cards.ts';
import { timeOf } from './clocks.ts';
import type { Fields } from './form.ts';
import { html } from './html.ts';
import type { Markup } from './html.ts';
import { layout } from './layout.ts';
import type { Page, Redirect } from './layout.ts';
import { day, intervalOf, money } from './money.ts';
import { alertOf, inputs, typedOf } from './pay-form.ts';
import { attach, makeDefault, methodOf } from './payment-methods.ts';
import { NO_REQUEST, change } from './stand.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
import { atPeriodEnd, end, hasEnded } from './subscriptions.ts';
import type {
  Customer,
  Invoice,
  PaymentMethod,
  PortalConfiguration,
  PortalSession,
  Subscription,
} from './wire.ts';

const CARD_FIELDS: FieldName[] = ['cardNumber', 'expiry', 'cvc', 'name'];

interface Visit {
  stand: Stand;
  session: PortalSession;
  customer: Customer;
  features: PortalConfiguration['features'];
  subscriptions: Subscription[];
}

const visit = (stand: Stand, session: PortalSession): Visit => {
  const { customers, configurations, subscriptions } = stand.state;
  return {
    stand,
    session,
    customer: find(customers, session.customer, 'customer'),
    features: find(configurations, session.configuration, 'configuration').features,
    subscriptions: Object.values(subscriptions)
      .filter((one) => one.customer === session.customer && !hasEnded(one))
      .toReversed(),
  };
};

const pathOf = ({ id }: PortalSession): string => `/p/session/${id}`;

const button = ({ session }: Visit, action: string, subscription: Subscription, label: string): Markup =>
  html`<form method="post" action="${pathOf(session)}">
    <input type="hidden" name="subscription" value="${subscription.id}" />
    <button name="action" value="${action}">${label}</button>
  </form>`;

const dates = ({ status, cancel_at: cancelAt, items, trial_end: trialEnd }: Subscription): string => {
  if (cancelAt !== null) return `Ends ${day(cancelAt)}.`;
  if (status === 'trialing') return `The trial ends ${day(trialEnd!)}. You are charged then.`;
  if (status === 'past_due') return 'The last payment failed. Pay the open invoice.';
  if (status === 'incomplete') return 'The first payment is on its way.';
  return status === 'active' ? `Renews ${day(items.data[0]!.current_period_end)}.` : `It is ${status}.`;
};

const cancelForm = (here: Visit, subscription: Subscription): Markup => {
  const { enabled, mode } = here.features.subscription_cancel;
  if (subscription.cancel_at_period_end)
    return button(here, 'resume', subscription, "Don't cancel subscription");
  if (!enabled || subscription.cancel_at !== null || subscription.status === 'incomplete') return html``;
  const when = mode === 'immediately' ? 'now' : day(subscription.items.data[0]!.current_period_end);
  return html`<details>
    <summary>Cancel subscription</summary>
    <p>Your subscription will end: ${when}.</p>
    ${button(here, 'cancel', subscription, 'Cancel subscription')}
  </details>`;
};

const payLink = ({ stand }: Visit, { latest_invoice: latest }: Subscription): Markup => {
  const invoice = latest ? stand.state.invoices[latest] : undefined;
  if (invoice?.status !== 'open' || stand.state.debits[invoice.id]) return html``;
  const amount = money(invoice.amount_remaining, invoice.currency);
  return html`<p><a class="button" href="/i/${invoice.id}">Pay ${amount}</a></p>`;
};

const plan = (here: Visit, subscription: Subscription): Markup => {
  const { price, quantity } = subscription.items.data[0]!;
  const product = find(here.stand.state.products, price.product, 'product');
  const amount = money((price.unit_amount ?? 0) * (quantity ?? 1), price.currency);
  return html`<h1>${product.name}</h1>
    <p class="price">${amount} <span>per ${intervalOf(price)}</span></p>
    <p class="note">${dates(subscription)}</p>
    ${payLink(here, subscription)} ${cancelForm(here, subscription)}`;
};

const described = ({ card, us_bank_account: account }: PaymentMethod): string =>
  card
    ? `${card.brand} •••• ${card.last4}, expires ${card.exp_month}/${card.exp_year}`
    : `Bank account •••• ${account!.last4}`;

const methodText = ({ stand, customer, subscriptions }: Visit): string => {
  const [subscription] = subscriptions;
  const own = customer.invoice_settings.default_payment_method;
  const method = subscription ? methodOf(stand, subscription) : own ? stand.state.methods[own] : undefined;
  return method ? described(method) : 'None yet.';
};

const cardForm = (here: Visit, typed?: Typed, problems: Problem[] = []): Markup => {
  if (!here.features.payment_method_update.enabled) return html``;
  return html`<details ${problems.length ? html`open` : ''}>
    <summary>Change card</summary>
    <form method="post" action="${pathOf(here.session)}" novalidate>
      ${alertOf(problems.map(({ message }) => message))} ${inputs(CARD_FIELDS, typed, problems)}
      <button name="action" value="card">Save card</button>
    </form>
  </details>`;
};

const invoiceRow = (invoice: Invoice): Markup => {
  const { id, number, created, total, currency, status } = invoice;
  return html`<tr>
    <td><a href="/i/${id}">${number}</a><br />${day(created)}</td>
    <td>${money(total, currency)}</td>
    <td>${status === 'open' ? html`<a href="/i/${id}">Pay</a>` : status}</td>
    <td>
      <a href="/i/${id}/pdf">PDF<span class="hidden"> of ${number}</span></a>
    </td>
  </tr>`;
};

const invoiceTable = ({ stand, customer, features }: Visit): Markup => {
  const own = Object.values(stand.state.invoices).filter((one) => one.customer === customer.id && one.number);
  if (!features.invoice_history.enabled || own.length === 0) return html``;
  return html`<h2>Invoices</h2>
    <div class="table" tabindex="0" role="region" aria-label="Invoices">
      <table>
        <thead>
          <tr>
            ${['Invoice', 'Amount', 'Status', 'File'].map((name) => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${own.toReversed().map(invoiceRow)}
        </tbody>
      </table>
    </div>`;
};

const page = (here: Visit, typed?: Typed, problems: Problem[] = []): Page => {
  const { session, subscriptions, customer } = here;
  const back = session.return_url;
  const body = html`
    ${back ? html`<a class="back" href="${back}">← Back</a>` : ''}
    <div class="card offer">
      ${subscriptions.length ? subscriptions.map((one) => plan(here, one)) : html`<h1>No subscription</h1>`}
    </div>
    <div class="card">
      <h2 class="first">Payment method</h2>
      <p>${methodText(here)}</p>
      ${cardForm(here, typed, problems)}
      <p class="note">For ${customer.email ?? customer.id}</p>
    </div>
    ${invoiceTable(here)}
  `;
  return layout({ title: 'Manage billing', body, status: problems.length ? 402 : 200 });
};

export const showPortal = (stand: Stand, session: PortalSession): Page => page(visit(stand, session));

const changeCard = (here: Visit, form: Fields): Problem[] => {
  const { stand, customer } = here;
  const at = timeOf(stand, customer);
  const typed = typedOf(form);
  const wrong = formProblems(typed, CARD_FIELDS, new Date(at * 1_000));
  const declined = wrong.length ? undefined : decline(typed, false);
  if (wrong.length || declined) return declined ? [declined] : wrong;
  const payer = { name: typed.name, instrument: cardOf(typed) };
  makeDefault(stand, NO_REQUEST, customer, attach(stand, NO_REQUEST, customer, { payer, at }));
  return [];
};

const changePlan = ({ stand, customer, subscriptions, features }: Visit, form: Fields): void => {
  const subscription = subscriptions.find(({ id }) => id === form.subscription);
  if (!subscription) return;
  const at = timeOf(stand, customer);
  const { enabled, mode } = features.subscription_cancel;
  const isCancel = form.action === 'cancel';
  if (isCancel && !enabled) return;
  if (isCancel && mode === 'immediately') {
    end(stand, NO_REQUEST, subscription, { at, reason: 'cancellation_requested' });
    return;
  }
  const update = atPeriodEnd(subscription, isCancel, at);
  if (Object.keys(update).length) {
    change(stand, NO_REQUEST, 'customer.subscription.updated', subscription, update);
  }
};

/** Handles the forms of the portal. */
export const usePortal = (stand: Stand, session: PortalSession, form: Fields): Page | Redirect => {
  const here = visit(stand, session);
  if (form.action === 'card' && here.features.payment_method_update.enabled) {
    const problems = changeCard(here, form);
    if (problems.length) return page(here, typedOf(form), problems);
  } else if (form.action === 'cancel' || form.action === 'resume') changePlan(here, form);
  return { status: 303, location: pathOf(session) };
};
