import type { RotatedKey } from '@sentryagent/workflows/contracts';
import { advisoryLocks } from '../../platform/advisory-locks.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Keyring } from '../../platform/keyring.ts';
import { KEY_TIMES, dueSteps } from './key-stages.ts';
import type { KeyTimes, Step } from './key-stages.ts';
import { addSigningKey, moveSigningKey, openPrivateKey, readSigningKeys } from './signing-key-rows.ts';
import type { SigningKeyRow } from './signing-key-rows.ts';

export interface KeyDeps {
  db: Database;
  config: { KEY_ENCRYPTION_KEYS: Keyring };
}

export interface Rotation {
  now: Date;
  /** Let the next key sign as soon as it may, not when the current one is due. */
  early?: boolean;
  times?: KeyTimes;
}

const takeStep = async (trx: Transaction, keyring: Keyring, step: Step, now: Date): Promise<RotatedKey> => {
  if ('make' in step) return { kid: await addSigningKey(trx, keyring, step.make, now), to: step.make };
  await moveSigningKey(trx, step.kid, step.to, now);
  return step;
};

const takeDueSteps = async (
  trx: Transaction,
  keyring: Keyring,
  keys: readonly SigningKeyRow[],
  { now, early = false, times = KEY_TIMES }: Rotation,
): Promise<RotatedKey[]> => {
  // Whoever can't open the keys in use must not add one that the others can't open.
  for (const key of keys) if (key.status !== 'previous') openPrivateKey(keyring, key);
  const changes: RotatedKey[] = [];
  for (const step of dueSteps(keys, now, { early, times })) {
    changes.push(await takeStep(trx, keyring, step, now));
  }
  return changes;
};

const changeKeys = <T>(
  { db }: KeyDeps,
  change: (trx: Transaction, keys: SigningKeyRow[]) => Promise<T>,
): Promise<T> =>
  db.acrossTenants(async (trx) => {
    await trx.raw('select pg_advisory_xact_lock(?)', [advisoryLocks.signingKeys]);
    return change(trx, await readSigningKeys(trx));
  });

/**
 * Moves the signing keys on by whatever is due: next → current → previous → gone. On an empty database it makes the
 * first key, which signs at once, and its next. Called again, or by several at once, it changes nothing more.
 */
export const rotateSigningKeys = (deps: KeyDeps, rotation: Rotation): Promise<RotatedKey[]> =>
  changeKeys(deps, (trx, keys) => takeDueSteps(trx, deps.config.KEY_ENCRYPTION_KEYS, keys, rotation));

export interface RemovedKey {
  status: SigningKeyRow['status'];
  changes: RotatedKey[];
  /** When the key that signs now was published; verifiers may not know it for a key set's age after that. */
  publishedAt: Date | undefined;
}

/**
 * Takes a key away at once: every token that it signed is refused from then on. Where it was the current one, the
 * next signs, however short it has been published. `undefined` where there is no such key.
 */
export const removeSigningKey = (deps: KeyDeps, kid: string, now: Date): Promise<RemovedKey | undefined> =>
  changeKeys(deps, async (trx, keys) => {
    const removed = keys.find((key) => key.kid === kid);
    if (!removed) return undefined;
    await moveSigningKey(trx, kid, 'gone', now);
    const left = keys.filter((key) => key !== removed);
    const changes = await takeDueSteps(trx, deps.config.KEY_ENCRYPTION_KEYS, left, { now });
    const next = keys.find(({ status }) => status === 'next');
    const publishedAt = removed.status === 'current' ? (next?.since ?? now) : undefined;
    return { status: removed.status, changes: [{ kid, to: 'gone' }, ...changes], publishedAt };
  });
