import { UNKNOWN } from './unknown.ts';

const plain = new Intl.NumberFormat('en-US', { signDisplay: 'negative' });
const rules = new Intl.PluralRules('en-US');

const format = (how: Intl.NumberFormat, value: number): string =>
  Number.isFinite(value) ? how.format(value) : UNKNOWN;

export const formatNumber = (value: number): string => format(plain, value);

/** The singular or plural of a noun: `plural(1, 'agent')` is "agent". */
export const plural = (count: number, noun: string): string =>
  rules.select(count) === 'one' ? noun : `${noun}s`;

/** Formats money from the minor unit. Whole amounts have no decimals. */
export const formatMoney = (minorUnits: number, currency: string): string => {
  const money = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    signDisplay: 'negative',
    trailingZeroDisplay: 'stripIfInteger',
  });
  return format(money, minorUnits / 10 ** (money.resolvedOptions().maximumFractionDigits ?? 2));
};
