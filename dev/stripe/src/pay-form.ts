import { FIELDS } from './cards.ts';
import type { FieldName, Problem, Typed } from './cards.ts';
import type { Fields } from './form.ts';
import { html } from './html.ts';
import type { Markup } from './html.ts';

interface Input {
  label: string;
  autocomplete: string;
  hint?: string;
  type?: string;
  inputmode?: string;
  isOptional?: boolean;
}

const digits = { inputmode: 'numeric' };

const INPUTS: Record<FieldName, Input> = {
  email: { label: 'Email', autocomplete: 'email', type: 'email', inputmode: 'email' },
  cardNumber: { label: 'Card number', autocomplete: 'cc-number', ...digits },
  expiry: { label: 'Expiry', hint: 'MM / YY', autocomplete: 'cc-exp', ...digits },
  cvc: { label: 'CVC', hint: '3 or 4 digits', autocomplete: 'cc-csc', ...digits },
  routingNumber: { label: 'Routing number', autocomplete: 'off', ...digits },
  accountNumber: { label: 'Account number', autocomplete: 'off', ...digits },
  name: { label: 'Name on card', autocomplete: 'cc-name' },
  holder: { label: 'Name on the account', autocomplete: 'name' },
  line1: { label: 'Address', autocomplete: 'billing street-address' },
  city: { label: 'City', autocomplete: 'billing address-level2' },
  postalCode: { label: 'Postal code', autocomplete: 'billing postal-code' },
  country: { label: 'Country', hint: 'Two letters, such as US', autocomplete: 'billing country' },
  businessName: { label: 'Business name', hint: 'Optional', autocomplete: 'organization', isOptional: true },
  taxId: { label: 'Tax ID', hint: 'Optional', autocomplete: 'off', isOptional: true },
};

/** Never returned to a page. */
const SECRET: FieldName[] = ['cardNumber', 'expiry', 'cvc', 'accountNumber'];

const inputOf = (name: FieldName, value: string, problem: Problem | undefined, focus: boolean): Markup => {
  const { label, hint, autocomplete, type = 'text', inputmode = 'text', isOptional } = INPUTS[name];
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
      ${isOptional ? '' : html`required`}
    />
    ${hint ? html`<p class="hint" id="${name}-hint">${hint}</p>` : ''}
    ${problem ? html`<p class="error" id="${name}-error">${problem.message}</p>` : ''}
  </div>`;
};

/** The inputs of these fields, after the messages. The first wrong one has the focus. */
export const inputs = (fields: FieldName[], typed?: Typed, problems: Problem[] = []): Markup[] => {
  const show = (name: FieldName): Markup => {
    const problem = problems.find((one) => one.field === name);
    const value = SECRET.includes(name) ? '' : (typed?.[name] ?? '');
    return inputOf(name, value, problem, problem !== undefined && problem === problems[0]);
  };
  const isPaired = (name: FieldName): boolean => name === 'expiry' || name === 'cvc';
  return fields.map((name) => {
    if (name === 'cvc') return html``;
    return isPaired(name) ? html`<div class="pair">${show(name)} ${show('cvc')}</div>` : show(name);
  });
};

export const alertOf = (messages: string[]): Markup =>
  messages.length ? html`<p class="alert" role="alert">${messages.join(' ')}</p>` : html``;

/** What was typed. A missing field is empty. */
export const typedOf = (form: Fields): Typed =>
  Object.fromEntries(
    FIELDS.map((name) => [
      name,
      String(form[name] ?? '')
        .slice(0, 500)
        .trim(),
    ]),
  ) as Typed;
