const plain = new Intl.NumberFormat('en-US');
const rules = new Intl.PluralRules('en-US');

export const formatNumber = (value: number): string => plain.format(value);

/** The singular or plural of a noun: `plural(1, 'agent')` is "agent". */
export const plural = (count: number, noun: string): string =>
  rules.select(count) === 'one' ? noun : `${noun}s`;

/** Formats money from the minor unit. Whole amounts have no decimals. */
export const formatMoney = (minorUnits: number, currency: string): string => {
  const format = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    trailingZeroDisplay: 'stripIfInteger',
  });
  return format.format(minorUnits / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
};
