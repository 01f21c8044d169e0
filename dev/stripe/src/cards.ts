/** An error of a card or its form. `field` is the input. */
export interface Problem {
  field: 'email' | 'cardNumber' | 'expiry' | 'cvc' | 'name';
  message: string;
}

/** Stripe's test cards. */
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

const ACCEPTED = '4242424242424242';
const NOT_A_TEST_CARD = 'Your card was declined. Your request was in test mode, but used a non test card.';

const passesLuhn = (digits: string): boolean => {
  const sum = [...digits].toReversed().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
};

const numberProblem = (number: string): string | undefined => {
  const digits = number.replace(/[\s-]/g, '');
  if (!/^\d*$/.test(digits)) return 'Your card number is invalid.';
  if (digits.length < 15) return 'Your card number is incomplete.';
  if (digits.length > 19 || !passesLuhn(digits)) return 'Your card number is invalid.';
  return undefined;
};

/** `12 / 34`, `12/2034` or `1234`. A card is valid until the end of the month. */
const expiryProblem = (text: string, now: Date): string | undefined => {
  const match = /^\s*(\d{1,2})\s*\/?\s*(?:20)?(\d{2})\s*$/.exec(text);
  const month = Number(match?.[1]);
  if (!match || month < 1 || month > 12) return "Your card's expiration date is incomplete.";
  const end = Date.UTC(2000 + Number(match[2]), month);
  return end <= now.getTime() ? "Your card's expiration date is in the past." : undefined;
};

export interface Payment {
  email: string;
  cardNumber: string;
  expiry: string;
  cvc: string;
  name: string;
}

/** The invalid fields, in the order of the form. */
export const formProblems = (payment: Payment, needsEmail: boolean, now: Date): Problem[] => {
  const emailOk = !needsEmail || /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(payment.email);
  const found: [Problem['field'], string | undefined][] = [
    ['email', emailOk ? undefined : 'Your email is incomplete.'],
    ['cardNumber', numberProblem(payment.cardNumber)],
    ['expiry', expiryProblem(payment.expiry, now)],
    ['cvc', /^\d{3,4}$/.test(payment.cvc.trim()) ? undefined : "Your card's security code is incomplete."],
    ['name', payment.name.trim() ? undefined : 'The name on the card is missing.'],
  ];
  return found.flatMap(([field, message]) => (message ? [{ field, message }] : []));
};

/** The bank's error for a valid card number. `undefined`: the payment succeeds. */
export const decline = ({ cardNumber }: Payment): Problem | undefined => {
  const digits = cardNumber.replace(/\D/g, '');
  if (digits === ACCEPTED) return undefined;
  return DECLINES[digits] ?? { field: 'cardNumber', message: NOT_A_TEST_CARD };
};
