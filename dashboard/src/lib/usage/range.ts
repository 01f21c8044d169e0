import type { Usage } from '@sentryagent/sdk';
import { DAY_MS } from '#lib/format/dates.ts';

export const ranges = ['today', '7d', 'period'] as const;
export type Range = (typeof ranges)[number];

export const rangeNames: Readonly<Record<Range, string>> = {
  today: 'Today',
  '7d': '7 days',
  period: 'This period',
};

/** After a count: "1,284 tokens this period". */
export const rangeWords: Readonly<Record<Range, string>> = {
  today: 'today',
  '7d': 'in 7 days',
  period: 'this period',
};

/** The range that a URL asks for. */
export const rangeOf = (param: string | null): Range => ranges.find((range) => range === param) ?? 'period';

/** UTC days as `YYYY-MM-DD`, both inclusive. */
export interface Span {
  from: string;
  to: string;
}

const daysBefore = (day: string, days: number): string =>
  new Date(Date.parse(day) - days * DAY_MS).toISOString().slice(0, 10);

/** The days of a range, until today. */
export const spanOf = (range: Range, { day, period }: Pick<Usage, 'day' | 'period'>): Span => {
  const start = period.start.slice(0, 10);
  const from = { today: day, '7d': daysBefore(day, 6), period: start < day ? start : day };
  return { from: from[range], to: day };
};
