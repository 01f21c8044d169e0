import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import type { Keyring } from './keyring.ts';

/**
 * Encrypts with AES-256-GCM. The context (the kind and owner of the secret) is authenticated, so a value that is copied
 * to another row cannot be decrypted. Form: `keyId.iv.tag.ciphertext`, base64url.
 */
export const seal = (keys: Keyring, plaintext: string, context: string): string => {
  const { id, key } = keys.current;
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(`${id}\n${context}`));
  const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return [id, ...[iv, cipher.getAuthTag(), sealed].map((part) => part.toString('base64url'))].join('.');
};

const decrypt = (key: KeyObject, aad: string, parts: string[]): string => {
  const [iv, tag, sealed] = parts.map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer, Buffer];
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
};

/** No key of this process decrypts the value. The message is for an operator. */
export class DecryptionError extends Error {
  override readonly name = 'DecryptionError';
}

/** Throws `DecryptionError` if the key is unknown or another one, or if the value or its context was changed. */
export const open = (keys: Keyring, envelope: string, context: string): string => {
  const [id = '', iv = '', tag = '', sealed = ''] = envelope.split('.');
  const key = keys.find(id);
  if (!key) throw new DecryptionError(`KEY_ENCRYPTION_KEYS has no key "${id}"`);
  try {
    return decrypt(key, `${id}\n${context}`, [iv, tag, sealed]);
  } catch (cause) {
    const [what] = context.split('\n');
    throw new DecryptionError(
      `the key "${id}" of KEY_ENCRYPTION_KEYS cannot decrypt ${what}: it is not the key that encrypted it, or the value was changed`,
      { cause },
    );
  }
};
