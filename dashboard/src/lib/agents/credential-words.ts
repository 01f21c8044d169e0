import type { Agent } from '@sentryagent/sdk';
import { DAY_MS } from '#lib/format/dates.ts';
import { formatRelative } from '#lib/format/relative.ts';

const SOON_MS = 7 * DAY_MS;

/** "2, next expires in 6 days": the active credentials of an agent. */
export const credentialWords = (
  { active, nextExpiresAt }: Agent['credentials'],
  now: string,
): { words: string; isSoon: boolean } => {
  if (active === 0) return { words: 'None', isSoon: false };
  if (nextExpiresAt === null) return { words: `${active}`, isSoon: false };
  const verb = active === 1 ? 'expires' : 'next expires';
  return {
    words: `${active}, ${verb} ${formatRelative(nextExpiresAt, now)}`,
    isSoon: Date.parse(nextExpiresAt) - Date.parse(now) < SOON_MS,
  };
};
