import { formatNumber } from '#lib/format/numbers.ts';

export interface Axis {
  max: number;
  /** From 0 to `max`. */
  ticks: number[];
}

const MOST_STEPS = 4;

/** The least of 1, 2, 5, 10, 20, 50 … that is not below. */
const niceStep = (least: number): number => {
  const unit = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return ([1, 2, 5].find((factor) => factor * unit >= least) ?? 10) * unit;
};

/** A scale from 0 in even steps of whole numbers. */
export const axisOf = (highest: number): Axis => {
  const step = niceStep(highest / MOST_STEPS);
  const steps = Math.max(Math.ceil(highest / step), 1);
  return { max: steps * step, ticks: Array.from({ length: steps + 1 }, (_, i) => i * step) };
};

const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** "1,000", but "12.5K". */
export const tickWords = (value: number): string =>
  value < 10_000 ? formatNumber(value) : compact.format(value);
