import { checkPrime, checkPrimeSync, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { calculateJwkThumbprint } from 'jose';
import { Problem } from './problem.ts';

/** The algorithms for client assertions, and their names in a header (RFC 9864 renamed EdDSA). */
export const keyAlgorithms = {
  ES256: ['ES256'],
  EdDSA: ['EdDSA', 'Ed25519'],
  RS256: ['RS256'],
} as const;

export type KeyAlgorithm = keyof typeof keyAlgorithms;

export interface PublicJwk {
  algorithm: KeyAlgorithm;
  /** Only the required members. */
  jwk: JsonWebKey;
  /** RFC 7638. */
  thumbprint: string;
}

/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

const refuse = (detail: string, cause?: unknown): Problem =>
  new Problem('validation_failed', detail, {
    members: { errors: [{ path: 'body.publicKey', message: detail }] },
    cause,
  });

const importKey = (jwk: JsonWebKey): KeyObject => {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    throw refuse(
      'The public key is not a JWK of a supported type (RFC 7517). Send an EC, OKP or RSA key.',
      cause,
    );
  }
};

const SMALL_PRIMES = Array.from({ length: 752 }, (_, n) => BigInt(n)).filter((n) => checkPrimeSync(n));

/** One round is enough to detect a composite number. It runs on the thread pool, because it takes up to 0.5 s. */
const isPrime = (modulus: bigint): Promise<boolean> =>
  new Promise((resolve, reject) => {
    checkPrime(modulus, { checks: 1 }, (error, result) => (error ? reject(error) : resolve(result)));
  });

const toInteger = (base64url: string): bigint =>
  BigInt(`0x${Buffer.from(base64url, 'base64url').toString('hex')}`);

/**
 * NIST SP 800-89 section 5.3.3: a modulus is odd, composite and has no prime factor below 752. Larger keys only take
 * longer to verify. The only accepted exponent is 65,537.
 */
const checkRsa = async (key: KeyObject): Promise<void> => {
  const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < 2_048 || modulusLength > 4_096) throw refuse('An RSA key must have 2048 to 4096 bits.');
  if (publicExponent !== 65_537n) throw refuse('An RSA key must have the exponent 65537.');
  const modulus = toInteger(key.export({ format: 'jwk' }).n!);
  if (SMALL_PRIMES.some((prime) => modulus % prime === 0n) || (await isPrime(modulus))) {
    throw refuse('The modulus of this RSA key is weak. Create a new key pair.');
  }
};

/**
 * RFC 8032 section 5.1.3: the canonical encoding of a point on the curve. With a point of small order, anyone can forge
 * signatures.
 */
const isSoundPoint = (bytes: Uint8Array): boolean => {
  try {
    return !ed25519.Point.fromBytes(bytes).isSmallOrder();
  } catch {
    return false;
  }
};

/** Node accepts any 32 bytes as a key. */
const checkEd25519 = (key: KeyObject): void => {
  if (!isSoundPoint(Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url'))) {
    throw refuse(
      'This Ed25519 key is weak: not a point of the curve, or of small order. Create a new key pair.',
    );
  }
};

const algorithmOf = async (key: KeyObject): Promise<KeyAlgorithm> => {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (details?.namedCurve === 'prime256v1') return 'ES256';
  if (type === 'ed25519') {
    checkEd25519(key);
    return 'EdDSA';
  }
  if (type === 'rsa') {
    await checkRsa(key);
    return 'RS256';
  }
  throw refuse('Use a key for ES256 (P-256), EdDSA (Ed25519) or RS256 (RSA).');
};

/** Rejects a JWK whose `use`, `key_ops` or `alg` do not fit a key that verifies signatures of this algorithm. */
const checkPurpose = ({ alg, use, key_ops: operations }: JsonWebKey, algorithm: KeyAlgorithm): void => {
  if (alg !== undefined && !(keyAlgorithms[algorithm] as readonly unknown[]).includes(alg))
    throw refuse(`This is a key for ${algorithm}. Set its alg to ${algorithm}, or remove it.`);
  if (use !== undefined && use !== 'sig')
    throw refuse('The use of the key must be sig. Correct or remove it.');
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    throw refuse('The key_ops of a public key must contain verify. Correct or remove it.');
};

/**
 * RFC 7518 sections 6.2.1.2 and 6.3.1.1: one encoding for each number. Node accepts others, but then the client's
 * thumbprint would differ from ours.
 */
const checkEncoding = (jwk: JsonWebKey, required: JsonWebKey): void => {
  const other = Object.entries(required).find(([name, value]) => jwk[name] !== value);
  if (other)
    throw refuse(`The ${other[0]} of the key is not encoded as in RFC 7518. Remove padding and extra zeros.`);
};

/** Parses the public key of a client. Problem: `validation_failed`. */
export const parsePublicJwk = async (jwk: JsonWebKey): Promise<PublicJwk> => {
  const secret = PRIVATE.find((member) => Object.hasOwn(jwk, member));
  if (secret !== undefined) {
    throw refuse(
      `This is a private key: it has the member ${secret}. Stop using it and create a new key pair.`,
    );
  }
  const key = importKey(jwk);
  const algorithm = await algorithmOf(key);
  checkPurpose(jwk, algorithm);
  const required = key.export({ format: 'jwk' });
  checkEncoding(jwk, required);
  return { algorithm, jwk: required, thumbprint: await calculateJwkThumbprint(required) };
};
