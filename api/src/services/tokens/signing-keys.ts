import { createHash, createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import canonicalize from 'canonicalize';
import type { Database } from '../../platform/database.ts';
import { open, seal } from '../../platform/envelope.ts';
import type { Keyring } from '../../platform/keyring.ts';

export interface SigningKey {
  /** RFC 7638 thumbprint. */
  kid: string;
  privateKey: KeyObject;
}

export interface SigningKeys {
  current: SigningKey;
  /** The key that verifies tokens of this `kid`. */
  find(kid: string): KeyObject | undefined;
}

interface Row {
  kid: string;
  status: 'next' | 'current' | 'previous';
  public_jwk: JsonWebKey;
  private_key: string;
}

/** RFC 7638: the required members, in lexical order, hashed. */
const thumbprint = ({ crv, kty, x, y }: JsonWebKey): string =>
  createHash('sha256').update(canonicalize({ crv, kty, x, y })!).digest('base64url');

/** Binds a sealed private key to its row. */
const context = (kid: string): string => `signing_keys.private_key\n${kid}`;

const readRows = async (db: Database): Promise<Row[]> =>
  db.acrossTenants(async (trx) => (await trx.raw<{ rows: Row[] }>('select * from read_signing_keys()')).rows);

const addFirstKey = async (db: Database, keys: Keyring): Promise<void> => {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const publicJwk = publicKey.export({ format: 'jwk' });
  const kid = thumbprint(publicJwk);
  const sealed = seal(keys, JSON.stringify(privateKey.export({ format: 'jwk' })), context(kid));
  await db.acrossTenants((trx) =>
    trx.raw('select add_first_signing_key(?, ?, ?, ?)', [kid, 'ES256', JSON.stringify(publicJwk), sealed]),
  );
};

/** Reads the keys, and makes the first one on an empty database. Throws when the encryption key doesn't open them. */
export const loadSigningKeys = async (db: Database, keys: Keyring): Promise<SigningKeys> => {
  let rows = await readRows(db);
  if (!rows.some(({ status }) => status === 'current')) {
    await addFirstKey(db, keys);
    rows = await readRows(db);
  }
  const current = rows.find(({ status }) => status === 'current');
  if (!current) throw new Error('no signing key is current');
  const jwk = JSON.parse(open(keys, current.private_key, context(current.kid))) as JsonWebKey;
  const verifying = new Map(
    rows.map(({ kid, public_jwk }) => [kid, createPublicKey({ key: public_jwk, format: 'jwk' })]),
  );
  return {
    current: { kid: current.kid, privateKey: createPrivateKey({ key: jwk, format: 'jwk' }) },
    find: (kid) => verifying.get(kid),
  };
};
