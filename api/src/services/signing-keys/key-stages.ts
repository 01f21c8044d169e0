import { DAY_MS } from '@sentryagent/workflows/rules/durations';

export type KeyStatus = 'next' | 'current' | 'previous';

export interface StagedKey {
  kid: string;
  status: KeyStatus;
  /** When it took that status. */
  since: Date;
}

/** For how long the key set may be kept by those who verify: the `max-age` of its answer, in seconds. */
export const KEY_SET_MAX_AGE = 300;

export interface KeyTimes {
  /** From being published to signing. */
  publishMs: number;
  /** A key signs for this long. */
  signMs: number;
  /** From its last signature to being gone. */
  keepMs: number;
}

/** Twice the key set's age, 30 days, and the longest life of a token with a minute for clocks that differ. */
export const KEY_TIMES: KeyTimes = {
  publishMs: 2 * KEY_SET_MAX_AGE * 1_000,
  signMs: 30 * DAY_MS,
  keepMs: 3_660_000,
};

export type Step = { kid: string; to: 'current' | 'previous' | 'gone' } | { make: 'current' | 'next' };

/** When the next key may sign, however early that is asked for. */
export const mayTakeOver = ({ since }: StagedKey, { publishMs }: KeyTimes): Date =>
  new Date(since.getTime() + publishMs);

/**
 * What is due, in the order in which one current key stays one. `early`: the next key takes over as soon as it has
 * been published long enough, whatever the age of the current one.
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
