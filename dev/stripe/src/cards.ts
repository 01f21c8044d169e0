import type { Behaviour, Instrument } from './payer.ts';

/** The fields of our forms. */
export const FIELDS = [
  ...(['email', 'cardNumber', 'expiry', 'cvc', 'name'] as const),
  ...(['routingNumber', 'accountNumber', 'holder'] as const),
  ...(['line1', 'city', 'postalCode', 'country', 'businessName', 'taxId'] as const),
];

export type FieldName = (typeof FIELDS)[number];
export type Typed = Record<FieldName, string>;

/** An error of a form. */
export interface Problem {
  field: FieldName;
  message: string;
}

/** Stripe's test cards that no form takes. */
const DECLINES: Record<string, Problem> = {
  '4000000000000002': { field: 'cardNumber', message: 'Your card was declined.' },
  '4000000000009995': { field: 'cardNumber', message: 'Your card has insufficient funds.' },
  '4000000000000069': { field: 'expiry', message: 'Your card has expired.' },
  '4000000000000127': { field: 'cvc', message: "Your card's security code is incorrect." },
  '4000000000000119': {
    field: 'cardNumber',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  },
};

/** Stripe's other test cards. The bank stores one that `declines`, and declines each payment. */
const CARDS: Record<string, { brand: string; behaviour: Behaviour }> = {
  '4242424242424242': { brand: 'visa', behaviour: 'pays' },
  '5555555555554444': { brand: 'mastercard', behaviour: 'pays' },
  '4000000000000341': { brand: 'visa', behaviour: 'declines' },
  '4000002760003184': { brand: 'visa', behaviour: 'authenticates' },
};

/** Stripe's test accounts. */
const ACCOUNTS: Record<string, Behaviour> = { '000123456789': 'debits', '000222222227': 'debit_fails' };
const TEST_ROUTING_NUMBER = '110000000';

const NOT_A_TEST_CARD = 'Your card was declined. Your request was in test mode, but used a non test card.';

const digitsOf = (text: string): string => text.replace(/[\s-]/g, '');

const passesLuhn = (digits: string): boolean => {
  const sum = [...digits].toReversed().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
};

const numberProblem = (number: string): string | undefined => {
  const digits = digitsOf(number);
  if (!/^\d*$/.test(digits)) return 'Your card number is invalid.';
  if (digits.length < 15) return 'Your card number is incomplete.';
  if (digits.length > 19 || !passesLuhn(digits)) return 'Your card number is invalid.';
  return undefined;
};

/** `12 / 34`, `12/2034` or `1234`. */
const expiryOf = (text: string): { month: number; year: number } | undefined => {
  const match = /^\s*(\d{1,2})\s*\/?\s*(?:20)?(\d{2})\s*$/.exec(text);
  const month = Number(match?.[1]);
  return match && month >= 1 && month <= 12 ? { month, year: 2000 + Number(match[2]) } : undefined;
};

/** A card is valid until the end of the month. */
const expiryProblem = (text: string, now: Date): string | undefined => {
  const expiry = expiryOf(text);
  if (!expiry) return "Your card's expiration date is incomplete.";
  const end = Date.UTC(expiry.year, expiry.month);
  return end <= now.getTime() ? "Your card's expiration date is in the past." : undefined;
};

const unless = (isOk: boolean, message: string): string | undefined => (isOk ? undefined : message);
const filled = (text: string): boolean => text.trim() !== '';

const CHECKS: Record<FieldName, (text: string, now: Date) => string | undefined> = {
  email: (text) => unless(/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text), 'Your email is incomplete.'),
  cardNumber: numberProblem,
  expiry: expiryProblem,
  cvc: (text) => unless(/^\d{3,4}$/.test(text.trim()), "Your card's security code is incomplete."),
  routingNumber: (text) =>
    unless(digitsOf(text) === TEST_ROUTING_NUMBER, `Your routing number is not ${TEST_ROUTING_NUMBER}.`),
  accountNumber: (text) =>
    unless(Object.hasOwn(ACCOUNTS, digitsOf(text)), 'Your account number is not that of a test account.'),
  name: (text) => unless(filled(text), 'The name on the card is missing.'),
  holder: (text) => unless(filled(text), 'The name on the account is missing.'),
  line1: (text) => unless(filled(text), 'Your address is missing.'),
  city: (text) => unless(filled(text), 'Your city is missing.'),
  postalCode: (text) => unless(filled(text), 'Your postal code is missing.'),
  country: (text) => unless(/^[A-Za-z]{2}$/.test(text.trim()), 'Your country is not a code of two letters.'),
  businessName: () => undefined,
  taxId: () => undefined,
};

/** The invalid ones of these fields, in the order of the form. */
export const formProblems = (typed: Typed, fields: FieldName[], now: Date): Problem[] =>
  fields.flatMap((field) => {
    const message = CHECKS[field](typed[field], now);
    return message ? [{ field, message }] : [];
  });

/** The bank's error for a valid card number. `undefined`: the bank accepts the card. */
export const decline = ({ cardNumber }: Typed, isCharged: boolean): Problem | undefined => {
  const digits = digitsOf(cardNumber);
  const card = CARDS[digits];
  if (!card) return DECLINES[digits] ?? { field: 'cardNumber', message: NOT_A_TEST_CARD };
  return isCharged && card.behaviour === 'declines'
    ? { field: 'cardNumber', message: 'Your card was declined.' }
    : undefined;
};

/** What to keep of a card that was accepted. */
export const cardOf = ({ cardNumber, expiry }: Typed): Instrument => {
  const digits = digitsOf(cardNumber);
  const { month, year } = expiryOf(expiry)!;
  return { ...CARDS[digits]!, type: 'card', last4: digits.slice(-4), expMonth: month, expYear: year };
};

export const accountOf = ({ accountNumber }: Typed): Instrument => {
  const digits = digitsOf(accountNumber);
  return { type: 'us_bank_account', behaviour: ACCOUNTS[digits]!, last4: digits.slice(-4) };
};
