import { accountOf, cardOf, decline, formProblems } from './cards.ts';
import type { FieldName, Problem, Typed } from './cards.ts';
import { completeSession, offerOf } from './checkout.ts';
import { timeOf } from './clocks.ts';
import { askToConfirm, confirmationPage } from './confirmations.ts';
import type { Fields } from './form.ts';
import { html } from './html.ts';
import type { Markup } from './html.ts';
import { layout } from './layout.ts';
import type { Page, Redirect } from './layout.ts';
import { day, intervalOf, money } from './money.ts';
import { alertOf, inputs, typedOf } from './pay-form.ts';
import type { Payer } from './payer.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
import type { Session } from './wire.ts';

const DAY = 86_400;

/** By a card, or by a bank debit that settles days later. */
type By = 'card' | 'bank';

const byOf = (value: unknown): By => (value === 'bank' ? 'bank' : 'card');

const nowOf = (stand: Stand, { customer }: Session): number =>
  timeOf(stand, customer ? find(stand.state.customers, customer, 'customer') : { test_clock: null });

const offer = (stand: Stand, session: Session): Markup => {
  const { price, product, quantity, trialDays } = offerOf(stand, session);
  const amount = money((price.unit_amount ?? 0) * quantity, price.currency);
  if (trialDays === 0) {
    return html`<h1>Subscribe to ${product.name}</h1>
      <p class="price">${amount} <span>per ${intervalOf(price)}</span></p>`;
  }
  const firstCharge = day(nowOf(stand, session) + trialDays * DAY);
  return html`<h1>Try ${product.name}</h1>
    <p class="price">${trialDays} ${trialDays === 1 ? 'day' : 'days'} free</p>
    <p class="note">Then ${amount} per ${intervalOf(price)}, starting ${firstCharge}.</p>`;
};

/** The known email address. If set, the page does not ask for it. */
const knownEmail = ({ state }: Stand, { customer, customer_email }: Session): string | null =>
  customer ? find(state.customers, customer, 'customer').email : customer_email;

/** What the page asks for. */
const fieldsOf = (stand: Stand, session: Session, by: By): FieldName[] => [
  ...(knownEmail(stand, session) ? [] : (['email'] as const)),
  ...(by === 'card'
    ? (['cardNumber', 'expiry', 'cvc', 'name'] as const)
    : (['routingNumber', 'accountNumber', 'holder'] as const)),
  ...(session.billing_address_collection === 'required'
    ? (['line1', 'city', 'postalCode', 'country'] as const)
    : []),
  ...(session.tax_id_collection?.enabled ? (['businessName', 'taxId'] as const) : []),
];

const toTry = (by: By): Markup =>
  by === 'card'
    ? html`<p>
        <code>4242 4242 4242 4242</code> pays; <code>4000 0000 0000 0002</code> is declined;
        <code>4000 0027 6000 3184</code> asks for 3-D Secure; <code>4000 0000 0000 0341</code> fails when it
        is charged after a trial. Any date to come and any three digits do.
      </p>`
    : html`<p>
        The routing number is <code>110000000</code>. Account <code>000123456789</code> pays after four days,
        and <code>000222222227</code> does not.
      </p>`;

const otherWay = ({ id }: Session, by: By): Markup =>
  by === 'card'
    ? html`<a href="/c/pay/${id}?by=bank">Pay by bank debit instead</a>`
    : html`<a href="/c/pay/${id}">Pay by card instead</a>`;

interface Shown {
  by: By;
  typed?: Typed;
  problems?: Problem[];
}

/** Browsers apply `form-action` to redirects. */
const originsOf = ({ success_url, cancel_url }: Session): string[] =>
  [success_url, cancel_url].flatMap((url) => (url ? [new URL(url).origin] : []));

const payPage = (stand: Stand, session: Session, { by, typed, problems = [] }: Shown): Page => {
  const email = knownEmail(stand, session);
  const { trialDays } = offerOf(stand, session);
  const back = session.cancel_url;
  const body = html`
    ${back ? html`<a class="back" href="${back}">← Back</a>` : ''}
    <div class="offer">${offer(stand, session)}</div>
    <form class="card" method="post" action="/c/pay/${session.id}" novalidate>
      ${alertOf(problems.map(({ message }) => message))}
      ${email ? html`<p class="field"><strong>Email</strong><br />${email}</p>` : ''}
      <input type="hidden" name="by" value="${by}" />
      ${inputs(fieldsOf(stand, session, by), typed, problems)}
      <button>${trialDays ? 'Start trial' : 'Pay and subscribe'}</button>
    </form>
    <p>${otherWay(session, by)}</p>
    <details>
      <summary>${by === 'card' ? 'Cards' : 'Accounts'} to try</summary>
      ${toTry(by)}
    </details>
  `;
  const title = `${problems.length ? 'Error: ' : ''}Checkout`;
  return layout({ title, body, status: problems.length ? 402 : 200, origins: originsOf(session) });
};

const successUrl = ({ id, success_url }: Session): string =>
  (success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', id);

const endedPage = (session: Session): Page => {
  const complete = session.status === 'complete';
  const [title, text] = complete
    ? ['You have already paid', 'This checkout is complete. You can close this page.']
    : ['This checkout has expired', 'You were not charged. Go back and start again.'];
  const back = complete ? successUrl(session) : session.cancel_url;
  const body = html`<div class="card">
    <h1>${title}</h1>
    <p>${text}</p>
    ${back ? html`<a class="button" href="${back}">Back</a>` : ''}
  </div>`;
  return layout({ title, body, status: complete ? 200 : 410 });
};

export const showCheckout = (stand: Stand, session: Session, query: { by?: unknown } = {}): Page =>
  session.status === 'open' ? payPage(stand, session, { by: byOf(query.by) }) : endedPage(session);

const addressOf = ({ line1, city, postalCode, country }: Typed): Payer['address'] =>
  line1
    ? { city, country: country.toUpperCase(), line1, line2: null, postal_code: postalCode, state: null }
    : undefined;

const payerOf = (typed: Typed, email: string, by: By): Payer => ({
  email,
  name: by === 'card' ? typed.name : typed.holder,
  instrument: by === 'card' ? cardOf(typed) : accountOf(typed),
  address: addressOf(typed),
  businessName: typed.businessName,
  taxId: typed.taxId,
});

const redirectTo = (location: string): Redirect => ({ status: 303, location });

/**
 * Handles the form: pays and redirects, or shows errors. A second submit redirects too, because the session is paid.
 */
export const payCheckout = (stand: Stand, session: Session, form: Fields): Page | Redirect => {
  if (session.status === 'complete') return redirectTo(successUrl(session));
  if (session.status !== 'open') return endedPage(session);
  const by = byOf(form.by);
  const typed = typedOf(form);
  const isCharged = offerOf(stand, session).trialDays === 0;
  const wrong = formProblems(typed, fieldsOf(stand, session, by), new Date(nowOf(stand, session) * 1_000));
  const declined = wrong.length || by === 'bank' ? undefined : decline(typed, isCharged);
  const problems = declined ? [declined] : wrong;
  if (problems.length) return payPage(stand, session, { by, typed, problems });
  const payer = payerOf(typed, knownEmail(stand, session) ?? typed.email, by);
  if (payer.instrument.behaviour === 'authenticates') {
    return redirectTo(askToConfirm(stand, { subject: session.id, payer }));
  }
  return redirectTo(successUrl(completeSession(stand, session, payer)));
};

/** After the page of 3-D Secure. */
export const confirmCheckout = (
  stand: Stand,
  session: Session,
  payer: Payer,
  isConfirmed: boolean,
): Page | Redirect => {
  if (session.status === 'complete') return redirectTo(successUrl(session));
  if (session.status !== 'open') return endedPage(session);
  if (isConfirmed) return redirectTo(successUrl(completeSession(stand, session, payer)));
  const message = 'We are unable to authenticate your payment method. Choose another one, and try again.';
  return payPage(stand, session, { by: 'card', problems: [{ field: 'cardNumber', message }] });
};

export const confirmPage = (stand: Stand, session: Session, id: string): Page => {
  const { price, quantity } = offerOf(stand, session);
  const amount = money((price.unit_amount ?? 0) * quantity, price.currency);
  return confirmationPage({
    id,
    what: `a subscription for ${amount} per ${intervalOf(price)}`,
    origins: originsOf(session),
  });
};
