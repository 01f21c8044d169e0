import type { Tier } from '@sentryagent/sdk';
import type { History } from './history.ts';
import type { Range } from './range.ts';
import type { Reading } from './reading.ts';

/** What the Usage page shows, read in one request before the page is rendered. */
export interface FirstReport {
  reading: Reading;
  range: Range;
  history: History;
  tiers: readonly Tier[];
}

const taken = new WeakSet<FirstReport>();

/** The report, once: when kit loads again, it passes the same object, which is old by then. */
export const takeFirst = (report: FirstReport | undefined): FirstReport | undefined => {
  if (!report || taken.has(report)) return undefined;
  taken.add(report);
  return report;
};
