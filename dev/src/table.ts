import { relative } from 'node:path';
import type { Config } from './config.ts';
import type { Found } from './part.ts';

const ADVANCE = 'npm run stripe:advance -- --days 25';

/** The text after a start: the URLs, with the last part (the dashboard) first, and what to do next. */
export const table = (
  rows: [string, string][],
  { tryIt, stripeUrl }: Pick<Found, 'tryIt' | 'stripeUrl'>,
): string => {
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.toReversed().map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
  const next = tryIt
    ? [
        '',
        '  Get a token as the demo agent:',
        `  ${tryIt}`,
        ...(stripeUrl
          ? ['', '  Move the time of the Stripe stand-in, to see renewals:', `  ${ADVANCE}`]
          : []),
        '',
        '  Next: sign in to the dashboard, or follow docs/developers.md.',
      ]
    : [];
  return ['', ...lines, ...next, '', '  Press Ctrl-C to stop everything.', '', ''].join('\n');
};

/** The path of the data folder, relative to the checkout. */
export const placeOf = ({ root, dataDir }: Config): string => {
  const path = relative(root, dataDir);
  return `${path.startsWith('..') ? dataDir : path}/`;
};
