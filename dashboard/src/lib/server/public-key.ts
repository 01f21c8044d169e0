import { createPublicKey, type JsonWebKey } from 'node:crypto';

/** A public key as a JWK, or what is wrong with the text. */
export type ReadKey = { jwk: JsonWebKey; wrong?: undefined } | { wrong: string };

const isPrivate =
  'This is a private key. Do not share it with anyone, and do not use it any more. Create a new key pair, and paste only its public key.';
const isUnreadable =
  'This is not a public key. Paste a JWK, or a PEM that begins with -----BEGIN PUBLIC KEY-----.';

const readJwk = (text: string): ReadKey => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { wrong: isUnreadable };
  }
  if (typeof value !== 'object' || value === null || !('kty' in value) || typeof value.kty !== 'string')
    return { wrong: isUnreadable };
  // RFC 7518: d is the private member of an EC, OKP or RSA key, and k is a symmetric key.
  return 'd' in value || 'k' in value ? { wrong: isPrivate } : { jwk: value as JsonWebKey };
};

/** Reads a JWK (RFC 7517) or a PEM (RFC 7468). The API takes only JWKs, and checks the key. */
export const readPublicKey = (text: string): ReadKey => {
  const trimmed = text.trim();
  if (trimmed.includes('PRIVATE KEY-----')) return { wrong: isPrivate };
  if (trimmed.startsWith('{')) return readJwk(trimmed);
  try {
    return { jwk: createPublicKey(trimmed).export({ format: 'jwk' }) };
  } catch {
    return { wrong: isUnreadable };
  }
};
