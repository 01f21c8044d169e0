import { createHash, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { SigningKeys } from './signing-keys.ts';

/** Who acts for the subject, the newest outermost (RFC 8693 section 4.1). */
export interface Actor {
  sub: string;
  act?: Actor;
}

/** RFC 9068 section 2.2, and the tenant. Times are seconds. */
export interface AccessTokenClaims {
  iss: string;
  /** The one resource that it is for: the API, or one of the tenant's. */
  aud: string;
  /** The agent that it speaks for: the client itself, unless `act` says that the client acts for another. */
  sub: string;
  client_id: string;
  act?: Actor;
  tenant_id: string;
  scope: string;
  jti: string;
  iat: number;
  exp: number;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs on the thread pool: the callback form keeps the event loop free, and both cores busy. */
const signEs256 = (privateKey: KeyObject, input: string): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }, (error, signature) =>
      error ? reject(error) : resolve(signature),
    );
  });

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

/** An exchanged token names its client as the actor, any other as its subject. */
const namesItsClient = ({ sub, client_id: clientId, act }: AccessTokenClaims): boolean =>
  (act ? act.sub : sub) === clientId;

/**
 * Verifies the access tokens that we issued, for whatever resource, and nothing else: one algorithm, one type, our
 * keys, our issuer. What held is remembered, by a hash of the whole token, until the token ends.
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
          requiredClaims: REQUIRED,
          currentDate: now(),
        },
      );
      return typeof payload.aud === 'string' && namesItsClient(payload) ? payload : undefined;
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

/** Lets through only what is for this audience: a token for a tenant's own service opens nothing here. */
export const forAudience =
  (verify: VerifyAccessToken, audience: string): VerifyAccessToken =>
  async (token) => {
    const claims = await verify(token);
    return claims?.aud === audience ? claims : undefined;
  };
