import type { RotatedKey } from '@sentryagent/workflows/contracts';
import { advisoryLocks } from '../../platform/advisory-locks.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import type { Keyring } from '../../platform/keyring.ts';
import { KEY_TIMES, dueSteps, type KeyTimes, type Step } from './key-stages.ts';
import {
  addSigningKey,
  moveSigningKey,
  openPrivateKey,
  readSigningKeys,
  type SigningKeyRow,
} from './signing-key-rows.ts';

export interface KeyDeps {
  db: Database;
  config: { KEY_ENCRYPTION_KEYS: Keyring };
}

export interface Rotation {
  now: Date;
  /** The next key signs as soon as it can, before the current one is due. */
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
  // A process that cannot decrypt the current keys must not add one that the others cannot decrypt.
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
 * Moves each signing key to its next stage if that is due: next → current → previous → gone. In an empty database it
 * creates the first key, which signs immediately, and the next one. Repeated or parallel calls change nothing more.
 */
export const rotateSigningKeys = (deps: KeyDeps, rotation: Rotation): Promise<RotatedKey[]> =>
  changeKeys(deps, (trx, keys) => takeDueSteps(trx, deps.config.KEY_ENCRYPTION_KEYS, keys, rotation));

export interface RemovedKey {
  status: SigningKeyRow['status'];
  changes: RotatedKey[];
  /** When the current key was published. Until the `max-age` of the key set has passed, verifiers may not have it. */
  publishedAt: Date | undefined;
}

/**
 * Removes a key immediately, so that every token that it signed is rejected. If it was the current key, the next one
 * signs, even if it has just been published. Returns `undefined` if there is no such key.
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
