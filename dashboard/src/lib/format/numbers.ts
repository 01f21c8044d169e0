const plain = new Intl.NumberFormat('en-US');
const rules = new Intl.PluralRules('en-US');

export const formatNumber = (value: number): string => plain.format(value);

/** The noun's form for a count: `plural(1, 'agent')` is "agent". */
export const plural = (count: number, noun: string): string =>
  rules.select(count) === 'one' ? noun : `${noun}s`;

/** Money from the currency's minor unit; whole amounts without decimals. */
export const formatMoney = (minorUnits: number, currency: string): string => {
  const format = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    trailingZeroDisplay: 'stripIfInteger',
  });
  return format.format(minorUnits / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
};
