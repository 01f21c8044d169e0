import { decline, formProblems } from './cards.ts';
import type { Payment, Problem } from './cards.ts';
import { completeSession, offerOf } from './checkout.ts';
import type { Fields } from './form.ts';
import { html } from './html.ts';
import type { Markup } from './html.ts';
import { layout } from './layout.ts';
import type { Page } from './layout.ts';
import { day, intervalOf, money } from './money.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
import type { Session } from './wire.ts';

const DAY = 86_400;

export interface Redirect {
  status: 303;
  location: string;
}

const EMPTY: Payment = { email: '', cardNumber: '', expiry: '', cvc: '', name: '' };

interface Input {
  name: Problem['field'];
  label: string;
  autocomplete: string;
  hint?: string;
  type?: string;
  inputmode?: string;
}

const INPUTS: Input[] = [
  { name: 'email', label: 'Email', autocomplete: 'email', type: 'email', inputmode: 'email' },
  { name: 'cardNumber', label: 'Card number', autocomplete: 'cc-number', inputmode: 'numeric' },
  { name: 'expiry', label: 'Expiry', hint: 'MM / YY', autocomplete: 'cc-exp', inputmode: 'numeric' },
  { name: 'cvc', label: 'CVC', hint: '3 or 4 digits', autocomplete: 'cc-csc', inputmode: 'numeric' },
  { name: 'name', label: 'Name on card', autocomplete: 'cc-name' },
];

const field = (input: Input, value: string, problem: Problem | undefined, focus: boolean): Markup => {
  const { name, label, hint, autocomplete, type = 'text', inputmode = 'text' } = input;
  const described = [hint && `${name}-hint`, problem && `${name}-error`].filter(Boolean).join(' ');
  return html`<div class="field">
    <label for="${name}">${label}</label>
    <input
      id="${name}"
      name="${name}"
      type="${type}"
      inputmode="${inputmode}"
      autocomplete="${autocomplete}"
      value="${value}"
      ${described ? html`aria-describedby="${described}"` : ''}
      ${problem ? html`aria-invalid="true"` : ''}
      ${focus ? html`autofocus` : ''}
      required
    />
    ${hint ? html`<p class="hint" id="${name}-hint">${hint}</p>` : ''}
    ${problem ? html`<p class="error" id="${name}-error">${problem.message}</p>` : ''}
  </div>`;
};

const offer = (stand: Stand, session: Session): Markup => {
  const { price, product, quantity, trialDays } = offerOf(stand, session);
  const amount = money((price.unit_amount ?? 0) * quantity, price.currency);
  if (trialDays === 0) {
    return html`<h1>Subscribe to ${product.name}</h1>
      <p class="price">${amount} <span>per ${intervalOf(price)}</span></p>`;
  }
  const firstCharge = day(stand.now() + trialDays * DAY);
  return html`<h1>Try ${product.name}</h1>
    <p class="price">${trialDays} ${trialDays === 1 ? 'day' : 'days'} free</p>
    <p class="note">Then ${amount} per ${intervalOf(price)}, starting ${firstCharge}.</p>`;
};

/** The known email address. If set, the page does not ask for it. */
const knownEmail = ({ state }: Stand, { customer, customer_email }: Session): string | null =>
  customer ? find(state.customers, customer, 'customer').email : customer_email;

const payPage = (stand: Stand, session: Session, given = EMPTY, problems: Problem[] = []): Page => {
  const email = knownEmail(stand, session);
  const inputs = INPUTS.filter(({ name }) => name !== 'email' || !email);
  // Never return card numbers.
  const kept = { ...EMPTY, email: given.email, name: given.name };
  const show = (names: Problem['field'][]) =>
    inputs
      .filter(({ name }) => names.includes(name))
      .map((input) => {
        const problem = problems.find((one) => one.field === input.name);
        return field(input, kept[input.name], problem, problem !== undefined && problem === problems[0]);
      });
  const { trialDays } = offerOf(stand, session);
  const back = session.cancel_url;
  const body = html`
    ${back ? html`<a class="back" href="${back}">← Back</a>` : ''}
    <div class="offer">${offer(stand, session)}</div>
    <form class="card" method="post" action="/c/pay/${session.id}" novalidate>
      ${problems[0] ? html`<p class="alert" role="alert">${problems.map(({ message }) => `${message} `)}</p>` : ''}
      ${email ? html`<p class="field"><strong>Email</strong><br />${email}</p>` : show(['email'])}
      ${show(['cardNumber'])}
      <div class="pair">${show(['expiry', 'cvc'])}</div>
      ${show(['name'])}
      <button>${trialDays ? 'Start trial' : 'Pay and subscribe'}</button>
    </form>
    <details>
      <summary>Cards to try</summary>
      <p>
        <code>4242 4242 4242 4242</code> pays; <code>4000 0000 0000 0002</code> is declined; any date to come
        and any three digits do.
      </p>
    </details>
  `;
  const origins = [session.success_url, back].flatMap((url) => (url ? [new URL(url).origin] : []));
  const title = `${problems.length ? 'Error: ' : ''}Checkout`;
  return layout({ title, body, status: problems.length ? 402 : 200, origins });
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

export const showCheckout = (stand: Stand, session: Session): Page =>
  session.status === 'open' ? payPage(stand, session) : endedPage(session);

const read = (form: Fields): Payment => {
  const text = (name: keyof Payment): string => String(form[name] ?? '').slice(0, 500);
  return {
    email: text('email').trim(),
    cardNumber: text('cardNumber'),
    expiry: text('expiry'),
    cvc: text('cvc'),
    name: text('name').trim(),
  };
};

/**
 * Handles the form: pays and redirects, or shows errors. A second submit redirects too, because the session is paid.
 */
export const payCheckout = (stand: Stand, session: Session, form: Fields): Page | Redirect => {
  if (session.status === 'complete') return { status: 303, location: successUrl(session) };
  if (session.status !== 'open') return endedPage(session);
  const email = knownEmail(stand, session);
  const payment = read(form);
  const typed = formProblems(payment, !email, new Date(stand.now() * 1_000));
  const declined = typed.length ? undefined : decline(payment);
  const problems = declined ? [declined] : typed;
  if (problems.length) return payPage(stand, session, payment, problems);
  const payer = { email: email ?? payment.email, name: payment.name };
  return { status: 303, location: successUrl(completeSession(stand, session, payer)) };
};
