import { DecryptionError, open, seal } from '../../platform/envelope.ts';
import type { Keyring } from '../../platform/keyring.ts';
import { unavailable } from '../../platform/problem.ts';

const contextOf = (userId: string): string => `the key of an authenticator app\n${userId}`;

/** Binds the key of an app to its user: copied to another row, it cannot be decrypted. */
export const sealSecret = (keys: Keyring, userId: string, secret: string): string =>
  seal(keys, secret, contextOf(userId));

/** Problem: `service_unavailable` if this process lacks the encryption key, which an operator can put back. */
export const openSecret = (keys: Keyring, userId: string, sealed: string): string => {
  try {
    return open(keys, sealed, contextOf(userId));
  } catch (error) {
    throw error instanceof DecryptionError ? unavailable(error) : error;
  }
};
