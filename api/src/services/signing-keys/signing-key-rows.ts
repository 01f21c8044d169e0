import { createHash, createPrivateKey, generateKeyPair, type JsonWebKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import canonicalize from 'canonicalize';
import type { Transaction } from '../../platform/database.ts';
import { open, seal } from '../../platform/envelope.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { StagedKey } from './key-stages.ts';

export interface SigningKeyRow extends StagedKey {
  public_jwk: JsonWebKey;
  /** Encrypted. Null for keys that no longer sign. */
  private_key: string | null;
}

/** RFC 7638: the required members, in lexical order, hashed. */
const thumbprint = ({ crv, kty, x, y }: JsonWebKey): string =>
  createHash('sha256').update(canonicalize({ crv, kty, x, y })!).digest('base64url');

/** Binds a sealed private key to its row. */
const context = (kid: string): string => `signing_keys.private_key\n${kid}`;

export const readSigningKeys = async (trx: Transaction): Promise<SigningKeyRow[]> =>
  (await trx.raw<{ rows: SigningKeyRow[] }>('select * from read_signing_keys()')).rows;

/** Throws an error for the operator if the keyring cannot decrypt it. */
export const openPrivateKey = (keys: Keyring, { kid, private_key }: SigningKeyRow): KeyObject => {
  const jwk = JSON.parse(open(keys, private_key ?? '', context(kid))) as JsonWebKey;
  return createPrivateKey({ key: jwk, format: 'jwk' });
};

/** Creates an ES256 key. Returns its id. */
export const addSigningKey = async (
  trx: Transaction,
  keys: Keyring,
  status: 'current' | 'next',
  at: Date,
): Promise<string> => {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const publicJwk = publicKey.export({ format: 'jwk' });
  const kid = thumbprint(publicJwk);
  const sealed = seal(keys, JSON.stringify(privateKey.export({ format: 'jwk' })), context(kid));
  await trx.raw('select add_signing_key(?, ?, ?, ?, ?)', [
    kid,
    status,
    JSON.stringify(publicJwk),
    sealed,
    at,
  ]);
  return kid;
};

export const moveSigningKey = async (
  trx: Transaction,
  kid: string,
  status: 'current' | 'previous' | 'gone',
  at: Date,
): Promise<void> => {
  await trx.raw('select move_signing_key(?, ?, ?)', [kid, status, at]);
};
