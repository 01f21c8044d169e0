import type { Usage } from '@sentryagent/sdk';
import { formatNumber } from '#lib/format/numbers.ts';

const reasons = [
  ['quota', 'by the daily limit'],
  ['rate', 'by the rate limit'],
  ['agent', 'by the cap of an agent'],
] as const;

/** "Refused today: 12 by the daily limit, 3 by the rate limit." `null`: nothing was refused. */
export const refusedWords = (refused: Usage['refusedToday']): string | null => {
  const parts = reasons
    .filter(([reason]) => refused[reason] > 0)
    .map(([reason, words]) => `${formatNumber(refused[reason])} ${words}`);
  return parts.length === 0 ? null : `Refused today: ${parts.join(', ')}.`;
};
