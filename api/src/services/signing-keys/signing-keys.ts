import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Database } from '../../platform/database.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Logger } from '../../platform/logger.ts';
import { unavailable } from '../../platform/problem.ts';
import { rotateSigningKeys } from './rotate-signing-keys.ts';
import { openPrivateKey, readSigningKeys, type SigningKeyRow } from './signing-key-rows.ts';

export interface SigningKey {
  /** RFC 7638 thumbprint. */
  kid: string;
  privateKey: KeyObject;
}

/** RFC 7517 section 4. */
export interface PublicKey {
  kty: string;
  crv: string;
  x: string;
  y: string;
  kid: string;
  alg: 'ES256';
  use: 'sig';
}

export interface SigningKeys {
  /** Problem: `service_unavailable`, if this process cannot decrypt it. */
  readonly current: SigningKey;
  /** The next, current and previous keys, with which others verify our tokens. */
  readonly published: readonly PublicKey[];
  /** The key that verifies tokens of this `kid`. */
  find(kid: string): KeyObject | undefined;
  /** Reads the keys again if `state` has changed. It is a text that changes with the keys. */
  follow(state: string): Promise<void>;
}

interface Loaded {
  current: SigningKey | { unopened: unknown };
  published: PublicKey[];
  verifying: Map<string, KeyObject>;
}

const openCurrent = (rows: readonly SigningKeyRow[], keyring: Keyring): Loaded['current'] => {
  const row = rows.find(({ status }) => status === 'current');
  if (!row) return { unopened: new Error('no signing key is current') };
  try {
    return { kid: row.kid, privateKey: openPrivateKey(keyring, row) };
  } catch (unopened) {
    return { unopened };
  }
};

const load = async (db: Database, keyring: Keyring): Promise<Loaded> => {
  const rows = await db.acrossTenants(readSigningKeys);
  return {
    current: openCurrent(rows, keyring),
    published: rows.map(({ kid, public_jwk: { kty, crv, x, y } }) => ({
      kty: kty!,
      crv: crv!,
      x: x!,
      y: y!,
      kid,
      alg: 'ES256',
      use: 'sig',
    })),
    verifying: new Map(
      rows.map(({ kid, public_jwk }) => [kid, createPublicKey({ key: public_jwk, format: 'jwk' })]),
    ),
  };
};

/**
 * Rotates the keys if due, which creates the first ones in an empty database, and reads them. Throws if the encryption
 * keys cannot decrypt them.
 */
export const loadSigningKeys = async (
  db: Database,
  keyring: Keyring,
  { logger, now }: { logger: Logger; now: Date },
): Promise<SigningKeys> => {
  await rotateSigningKeys({ db, config: { KEY_ENCRYPTION_KEYS: keyring } }, { now });
  let loaded = await load(db, keyring);
  let known: string | undefined;
  return {
    get current() {
      if ('unopened' in loaded.current) throw unavailable(loaded.current.unopened);
      return loaded.current;
    },
    get published() {
      return loaded.published;
    },
    find: (kid) => loaded.verifying.get(kid),
    follow: async (state) => {
      if (state === known) return;
      loaded = await load(db, keyring);
      known = state;
      // The process still verifies tokens. Only signing fails until an operator adds the missing encryption key.
      if ('unopened' in loaded.current) {
        logger.error(
          { err: loaded.current.unopened },
          'the current signing key cannot be decrypted; check KEY_ENCRYPTION_KEYS',
        );
      }
    },
  };
};
