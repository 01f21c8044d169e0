import { createHash, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { SigningKeys } from './signing-keys.ts';

/** RFC 9068 section 2.2, and the tenant. Times are seconds. */
export interface AccessTokenClaims {
  iss: string;
  aud: string;
  sub: string;
  client_id: string;
  tenant_id: string;
  scope: string;
  jti: string;
  iat: number;
  exp: number;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const ES256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const handles = new WeakMap<KeyObject, webcrypto.CryptoKey>();

const handleOf = (privateKey: KeyObject): webcrypto.CryptoKey => {
  const known = handles.get(privateKey);
  if (known) return known;
  const handle = privateKey.toCryptoKey(ES256, false, ['sign']);
  handles.set(privateKey, handle);
  return handle;
};

/**
 * Signs on the thread pool, which keeps the event loop free and both cores busy. Web Crypto's call takes 4 µs of the
 * event loop, the callback form of `crypto.sign` 35.
 */
const signEs256 = async (privateKey: KeyObject, input: string): Promise<Buffer> =>
  Buffer.from(await webcrypto.subtle.sign(ES256, handleOf(privateKey), Buffer.from(input)));

/** A signed `at+jwt` (RFC 9068 section 2.1). */
export const signAccessToken = async (keys: SigningKeys, claims: AccessTokenClaims): Promise<string> => {
  const { kid, privateKey } = keys.current;
  const input = `${encode({ alg: 'ES256', typ: 'at+jwt', kid })}.${encode(claims)}`;
  return `${input}.${(await signEs256(privateKey, input)).toString('base64url')}`;
};

const REQUIRED = ['iss', 'aud', 'sub', 'client_id', 'tenant_id', 'scope', 'jti', 'iat', 'exp'];
/** The longest token that we issue has under 1,000 characters. */
const MAX_LENGTH = 4_096;

/**
 * RFC 7515 section 2: base64url without padding. A signature has one spelling: those that differ in unused bits, or in
 * padding, would be other tokens to whoever compares them as text.
 */
const isCanonical = (token: string): boolean => {
  const [, signature] = /^[\w-]+\.[\w-]+\.([\w-]{86})$/.exec(token) ?? [];
  return signature !== undefined && Buffer.from(signature, 'base64url').toString('base64url') === signature;
};

export type VerifyAccessToken = (token: string) => Promise<AccessTokenClaims | undefined>;

/**
 * Verifies our own access tokens and nothing else: one algorithm, one type, our keys, our issuer and audience. What
 * held is remembered, by a hash of the whole token, until the token ends.
 */
export const createVerifier = (keys: SigningKeys, issuer: string, now: () => Date): VerifyAccessToken => {
  const verified = new LRUCache<string, AccessTokenClaims>({ max: 10_000 });

  const verify = async (token: string): Promise<AccessTokenClaims | undefined> => {
    try {
      const { payload } = await jwtVerify<AccessTokenClaims>(
        token,
        ({ kid }) => {
          const key = kid === undefined ? undefined : keys.find(kid);
          if (!key) throw new errors.JWKSNoMatchingKey();
          return key;
        },
        {
          algorithms: ['ES256'],
          typ: 'at+jwt',
          issuer,
          audience: issuer,
          requiredClaims: REQUIRED,
          currentDate: now(),
        },
      );
      return payload.aud === issuer && payload.sub === payload.client_id ? payload : undefined;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  };

  return async (token) => {
    if (token.length > MAX_LENGTH || !isCanonical(token)) return undefined;
    const id = createHash('sha256').update(token).digest('base64url');
    const known = verified.get(id);
    if (known) return known.exp * 1_000 > now().getTime() ? known : undefined;
    const claims = await verify(token);
    if (claims) verified.set(id, claims);
    return claims;
  };
};
