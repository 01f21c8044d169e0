import { createHmac, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Keyring } from './keyring.ts';

/** `sa_<credential>_<43 characters of base64url>_<crc32>`: scanners know the prefix, typos cost no query. */
const FORM = /^sa_([0-9a-z]{26})_[A-Za-z0-9_-]{43}_([0-9a-f]{8})$/;

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** A new secret of 256 random bits, named after its credential (`crd_…`). */
export const newClientSecret = (credentialId: string): string => {
  const body = `sa_${credentialId.slice('crd_'.length)}_${randomBytes(32).toString('base64url')}`;
  return `${body}_${checksum(body)}`;
};

/** The credential id in a well-formed secret, else `undefined`. */
export const credentialOfSecret = (secret: string): string | undefined => {
  const [, credential, sum] = FORM.exec(secret) ?? [];
  return credential && checksum(secret.slice(0, -9)) === sum ? `crd_${credential}` : undefined;
};

export interface SecretHash {
  hash: Buffer;
  pepperId: string;
}

const hmac = (pepper: KeyObject, secret: string): Buffer =>
  createHmac('sha256', pepper).update(secret).digest();

/** A keyed hash is enough. The secret has 256 random bits, so a slow hash adds nothing. */
export const hashSecret = (peppers: Keyring, secret: string): SecretHash => ({
  hash: hmac(peppers.current.key, secret),
  pepperId: peppers.current.id,
});

/** Constant time in the secret. */
export const secretMatches = (peppers: Keyring, secret: string, { hash, pepperId }: SecretHash): boolean => {
  const pepper = peppers.find(pepperId);
  return pepper !== undefined && timingSafeEqual(hmac(pepper, secret), hash);
};
