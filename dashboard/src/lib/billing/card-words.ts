import type { Subscription } from '@sentryagent/sdk';
import { DAY_MS } from '#lib/format/dates.ts';

type Card = NonNullable<Subscription['card']>;

const SOON_MS = 60 * DAY_MS;

const names: Readonly<Record<string, string>> = {
  amex: 'American Express',
  diners: 'Diners Club',
  jcb: 'JCB',
  mastercard: 'Mastercard',
  unionpay: 'UnionPay',
};

/** "Visa". Stripe's brands are in lower case. */
export const brandWords = (brand: string): string =>
  names[brand] ?? brand.charAt(0).toUpperCase() + brand.slice(1).replaceAll('_', ' ');

/** "12 / 2034" */
export const expiryWords = ({ expMonth, expYear }: Pick<Card, 'expMonth' | 'expYear'>): string =>
  `${String(expMonth).padStart(2, '0')} / ${expYear}`;

/** A card is valid until the end of its month. `null`: it is not soon. */
export const expiryWarning = (
  { expMonth, expYear }: Pick<Card, 'expMonth' | 'expYear'>,
  now: string,
): 'Expires soon' | 'Expired' | null => {
  const left = Date.UTC(expYear, expMonth) - Date.parse(now);
  if (left <= 0) return 'Expired';
  return left <= SOON_MS ? 'Expires soon' : null;
};

/** Without a card, a bank account or a wallet may be charged. */
export const cardlessWords = ({
  hasPortal,
  nextCharge,
}: Pick<Subscription, 'hasPortal' | 'nextCharge'>): string => {
  if (!hasPortal) return 'No card yet. You enter it on Stripe’s page when you upgrade.';
  return nextCharge === null
    ? 'No card is charged.'
    : 'You do not pay by card. Stripe’s portal shows how you pay.';
};
