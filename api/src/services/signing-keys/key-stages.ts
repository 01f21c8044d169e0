import { DAY_MS } from '@sentryagent/workflows/rules/durations';

export type KeyStatus = 'next' | 'current' | 'previous';

export interface StagedKey {
  kid: string;
  status: KeyStatus;
  /** The time of the last status change. */
  since: Date;
}

/** How long verifiers can cache the key set: the `max-age` of the response, in seconds. */
export const KEY_SET_MAX_AGE = 300;

export interface KeyTimes {
  /** From publication until the key can sign. */
  publishMs: number;
  /** A key signs for this long. */
  signMs: number;
  /** From the last signature until the key is removed. */
  keepMs: number;
}

/** Twice the `max-age` of the key set, 30 days, and the maximum lifetime of a token plus a minute of clock skew. */
export const KEY_TIMES: KeyTimes = {
  publishMs: 2 * KEY_SET_MAX_AGE * 1_000,
  signMs: 30 * DAY_MS,
  keepMs: 3_660_000,
};

export type Step = { kid: string; to: 'current' | 'previous' | 'gone' } | { make: 'current' | 'next' };

/** The earliest time at which the next key can sign. */
export const mayTakeOver = ({ since }: StagedKey, { publishMs }: KeyTimes): Date =>
  new Date(since.getTime() + publishMs);

/**
 * The changes that are due, ordered so that there is never more than one current key. `early`: the next key takes over
 * as soon as it has been published long enough, even if the current one is still young.
 */
export const dueSteps = (
  keys: readonly StagedKey[],
  now: Date,
  { early, times }: { early: boolean; times: KeyTimes },
): Step[] => {
  const age = ({ since }: StagedKey): number => now.getTime() - since.getTime();
  const find = (status: KeyStatus): StagedKey | undefined => keys.find((key) => key.status === status);
  const current = find('current');
  const next = find('next');
  const gone = keys
    .filter((key) => key.status === 'previous' && age(key) >= times.keepMs)
    .map(({ kid }): Step => ({ kid, to: 'gone' }));
  if (!current) {
    return [...gone, next ? { kid: next.kid, to: 'current' } : { make: 'current' }, { make: 'next' }];
  }
  if (!next) return [...gone, { make: 'next' }];
  const isDue = age(next) >= times.publishMs && (early || age(current) >= times.signMs);
  if (!isDue) return gone;
  return [...gone, { kid: current.kid, to: 'previous' }, { kid: next.kid, to: 'current' }, { make: 'next' }];
};
