const NO_DECIMALS = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '));
const THREE_DECIMALS = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

/**
 * The decimals of an amount at Stripe. `Intl` has others: Stripe still counts the hundredths of ISK and UGX, which have
 * none any more.
 */
export const decimalsOf = (currency: string): number => {
  const code = currency.toUpperCase();
  if (NO_DECIMALS.has(code)) return 0;
  return THREE_DECIMALS.has(code) ? 3 : 2;
};
