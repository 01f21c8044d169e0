import { UNKNOWN } from './unknown.ts';

const plain = new Intl.NumberFormat('en-US', { signDisplay: 'negative' });
const rules = new Intl.PluralRules('en-US');

const format = (how: Intl.NumberFormat, value: number): string =>
  Number.isFinite(value) ? how.format(value) : UNKNOWN;

export const formatNumber = (value: number): string => format(plain, value);

/** The singular or plural of a noun: `plural(1, 'agent')` is "agent". */
export const plural = (count: number, noun: string): string =>
  rules.select(count) === 'one' ? noun : `${noun}s`;

/** The currencies whose minor unit is not a hundredth for Stripe. `Intl` has others, such as ISK and UGX. */
const decimals: readonly [number, readonly string[]][] = [
  [0, 'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' ')],
  [3, ['BHD', 'JOD', 'KWD', 'OMR', 'TND']],
];

const decimalsOf = (currency: string): number =>
  decimals.find(([, codes]) => codes.includes(currency.toUpperCase()))?.[0] ?? 2;

/** Formats money from Stripe's minor unit. Whole amounts have no decimals. */
export const formatMoney = (minorUnits: number, currency: string): string => {
  const money = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    signDisplay: 'negative',
    trailingZeroDisplay: 'stripIfInteger',
  });
  return format(money, minorUnits / 10 ** decimalsOf(currency));
};
