import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Keyring } from './keyring.ts';

/**
 * Encrypts with AES-256-GCM. The context (what the secret is, and whose) is authenticated, so a sealed value moved to
 * another row does not open. Form: `keyId.iv.tag.ciphertext`, base64url.
 */
export const seal = (keys: Keyring, plaintext: string, context: string): string => {
  const { id, key } = keys.current;
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(`${id}\n${context}`));
  const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return [id, ...[iv, cipher.getAuthTag(), sealed].map((part) => part.toString('base64url'))].join('.');
};

/** Throws when the key is unknown, or the value or its context was changed. */
export const open = (keys: Keyring, envelope: string, context: string): string => {
  const [id = '', iv = '', tag = '', sealed = ''] = envelope.split('.');
  const key = keys.find(id);
  if (!key) throw new Error(`the key "${id}" is not in KEY_ENCRYPTION_KEYS`);
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(`${id}\n${context}`));
  decipher.setAuthTag(Buffer.from(tag, 'base64url'));
  return Buffer.concat([decipher.update(Buffer.from(sealed, 'base64url')), decipher.final()]).toString(
    'utf8',
  );
};
