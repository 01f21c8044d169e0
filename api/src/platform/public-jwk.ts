import { createPublicKey } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { Problem } from './problem.ts';

/** What clients may sign assertions with, and the names that a header may give it (RFC 9864 renamed EdDSA). */
export const keyAlgorithms = {
  ES256: ['ES256'],
  EdDSA: ['EdDSA', 'Ed25519'],
  RS256: ['RS256'],
} as const;

export type KeyAlgorithm = keyof typeof keyAlgorithms;

export interface PublicJwk {
  algorithm: KeyAlgorithm;
  /** The required members alone. */
  jwk: JsonWebKey;
  /** RFC 7638. */
  thumbprint: string;
}

/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

const refuse = (detail: string): Problem =>
  new Problem('validation_failed', detail, {
    members: { errors: [{ path: 'body.publicKey', message: detail }] },
  });

const importKey = (jwk: JsonWebKey): KeyObject => {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    throw new Problem('validation_failed', 'The public key is not a JWK of a known type (RFC 7517).', {
      cause,
    });
  }
};

/** Larger RSA keys only cost time; another exponent only invites mistakes. */
const checkRsa = ({
  modulusLength = 0,
  publicExponent,
}: NonNullable<KeyObject['asymmetricKeyDetails']>): void => {
  if (modulusLength < 2_048 || modulusLength > 4_096) throw refuse('An RSA key has 2048 to 4096 bits.');
  if (publicExponent !== 65_537n) throw refuse('An RSA key has the exponent 65537.');
};

const algorithmOf = ({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details = {},
}: KeyObject): KeyAlgorithm => {
  if (type === 'ec' && details.namedCurve === 'prime256v1') return 'ES256';
  if (type === 'ed25519') return 'EdDSA';
  if (type === 'rsa') {
    checkRsa(details);
    return 'RS256';
  }
  throw refuse('Use a key for ES256 (P-256), EdDSA (Ed25519) or RS256 (RSA).');
};

/** What a JWK says of itself must fit: a key for encryption, or for another algorithm, signs nothing here. */
const checkPurpose = ({ alg, use, key_ops: operations }: JsonWebKey, algorithm: KeyAlgorithm): void => {
  if (alg !== undefined && !(keyAlgorithms[algorithm] as readonly unknown[]).includes(alg))
    throw refuse(`This key is for ${algorithm}, its alg says otherwise.`);
  if (use !== undefined && use !== 'sig') throw refuse('The use of the key must be sig, or absent.');
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    throw refuse('The key_ops of a public key must have verify, or be absent.');
};

/** Reads a public key that a client will sign with. Problem: `validation_failed`. */
export const parsePublicJwk = async (jwk: JsonWebKey): Promise<PublicJwk> => {
  const secret = PRIVATE.find((member) => Object.hasOwn(jwk, member));
  if (secret !== undefined) {
    throw refuse(`This is not a public key: it has the private member ${secret}. Consider that key lost.`);
  }
  const key = importKey(jwk);
  const algorithm = algorithmOf(key);
  checkPurpose(jwk, algorithm);
  const required = key.export({ format: 'jwk' });
  return { algorithm, jwk: required, thumbprint: await calculateJwkThumbprint(required) };
};
