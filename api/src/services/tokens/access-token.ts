import { createHash, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import type { AccessTokenClaims } from './claims.ts';
import type { Revocations } from './revocations.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { TokenFeed } from './token-feed.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** RFC 7518 section 3.4: r and s, 32 bytes each. In DER each has its length before it, and as few bytes as it needs. */
const derToConcatenated = (der: Buffer): Buffer => {
  const signature = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const [start, length] = [at + 2, der[at + 1]!];
    const digits = der.subarray(start + Math.max(0, length - 32), start + length);
    digits.copy(signature, end - digits.length);
    at = start + length;
  }
  return signature;
};

/**
 * 16 µs of the event loop. To ask Node for this form (`dsaEncoding`) makes it 31, and each call that is handed to the
 * thread pool wakes a thread, which costs the event loop up to 19 and the machine as much again.
 */
const signEs256 = (privateKey: KeyObject, input: string): Buffer =>
  derToConcatenated(sign('sha256', Buffer.from(input), privateKey));

/** A signed `at+jwt` (RFC 9068 section 2.1). */
export const signAccessToken = (keys: Pick<SigningKeys, 'current'>, claims: AccessTokenClaims): string => {
  const { kid, privateKey } = keys.current;
  const input = `${encode({ alg: 'ES256', typ: 'at+jwt', kid })}.${encode(claims)}`;
  return `${input}.${signEs256(privateKey, input).toString('base64url')}`;
};

const REQUIRED = [
  ...['iss', 'aud', 'sub', 'client_id', 'tenant_id', 'scope', 'jti', 'iat', 'exp'],
  ...['credential_id', 'credential_generation'],
];
/** Twenty scopes of a resource, its identifier and a line of three exchanges take about 4,600 characters. */
const MAX_LENGTH = 8_192;

/**
 * RFC 7515 section 2: base64url without padding. A signature has one spelling: those that differ in unused bits, or in
 * padding, would be other tokens to whoever compares them as text.
 */
const isCanonical = (token: string): boolean => {
  const [, signature] = /^[\w-]+\.[\w-]+\.([\w-]{86})$/.exec(token) ?? [];
  // eslint-disable-next-line no-restricted-syntax -- It is compared with its own spelling, and no secret.
  return signature !== undefined && Buffer.from(signature, 'base64url').toString('base64url') === signature;
};

/** Resolves to the claims of a live token. Problem: `service_unavailable`, where it can't be known whether it lives. */
export type VerifyAccessToken = (token: string) => Promise<AccessTokenClaims | undefined>;

export interface VerifierDeps {
  signingKeys: Pick<SigningKeys, 'find'>;
  revocations: Pick<Revocations, 'has' | 'mayBeLifted'>;
  feed: Pick<TokenFeed, 'fresh'>;
  issuer: string;
  clock: Clock;
}

interface Verified {
  claims: AccessTokenClaims;
  kid: string;
}

/** A key that was made a moment ago may not have come in yet; forged ids must not keep Postgres busy. */
const UNKNOWN_KEY_MAX_AGE_MS = 250;

/** An exchanged token names its client as the actor, any other as its subject. */
const namesItsClient = ({ sub, client_id: clientId, act }: AccessTokenClaims): boolean =>
  (act ? act.sub : sub) === clientId;

const verifySignature = async (
  { signingKeys, feed, issuer, clock }: VerifierDeps,
  token: string,
): Promise<Verified | undefined> => {
  try {
    const { payload, protectedHeader } = await jwtVerify<AccessTokenClaims>(
      token,
      async ({ kid = '' }) => {
        if (!signingKeys.find(kid)) await feed.fresh(UNKNOWN_KEY_MAX_AGE_MS);
        const key = signingKeys.find(kid);
        if (!key) throw new errors.JWKSNoMatchingKey();
        return key;
      },
      { algorithms: ['ES256'], typ: 'at+jwt', issuer, requiredClaims: REQUIRED, currentDate: clock() },
    );
    return typeof payload.aud === 'string' && namesItsClient(payload)
      ? { claims: payload, kid: protectedHeader.kid! }
      : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
};

/**
 * Verifies the access tokens that we issued, for whatever resource, and nothing else: one algorithm, one type, our
 * keys, our issuer. What held is remembered, by a hash of the whole token; whether its key is still ours and nobody
 * has ended it is asked of memory each time.
 */
export const createVerifier = (deps: VerifierDeps): VerifyAccessToken => {
  const { signingKeys, revocations, feed, clock } = deps;
  const verified = new LRUCache<string, Verified>({ max: 10_000 });
  return async (token) => {
    if (token.length > MAX_LENGTH || !isCanonical(token)) return undefined;
    const id = createHash('sha256').update(token).digest('base64url');
    let known = verified.get(id);
    if (!known) {
      known = await verifySignature(deps, token);
      if (!known) return undefined;
      verified.set(id, known);
    }
    const { claims, kid } = known;
    await feed.fresh(revocations.mayBeLifted(claims) ? 0 : undefined);
    const isLive =
      claims.exp * 1_000 > clock().getTime() &&
      signingKeys.find(kid) !== undefined &&
      !revocations.has(claims);
    return isLive ? claims : undefined;
  };
};

/** Lets through only what is for this audience: a token for a tenant's own service opens nothing here. */
export const forAudience =
  (verify: VerifyAccessToken, audience: string): VerifyAccessToken =>
  async (token) => {
    const claims = await verify(token);
    return claims?.aud === audience ? claims : undefined;
  };
