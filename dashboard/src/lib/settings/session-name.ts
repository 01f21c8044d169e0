import type { SessionEntry } from '@sentryagent/sdk';

/** "Firefox on Linux". A program that is no browser names neither. */
export const sessionName = ({ browser, system }: Pick<SessionEntry, 'browser' | 'system'>): string => {
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? 'Unknown browser';
};
