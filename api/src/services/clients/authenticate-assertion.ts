import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import {
  compactVerify,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type ProtectedHeaderParameters,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import type { Scope } from '../../platform/principal.ts';
import { keyAlgorithms, type KeyAlgorithm } from '../../platform/public-jwk.ts';
import type { Client } from './client.ts';
import { ClientRefusal, type RefusalReason } from './client-refusal.ts';
import { isLive, refuseExpired, type Proof } from './proof.ts';

/** RFC 7523 section 2.2. */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Resolves to the client that signed the assertion. Throws a ClientRefusal. */
export type AuthenticateAssertion = (assertion: string) => Promise<Client>;

interface ClientKey extends Proof {
  thumbprint: string;
  algorithm: KeyAlgorithm;
  key: KeyObject;
}

interface Row {
  tenant_id: string;
  credential_id: string;
  algorithm: KeyAlgorithm;
  public_jwk: JsonWebKey;
  thumbprint: string;
  scopes: Scope[];
  enabled: boolean;
  expires_at: Date | null;
}

const refuse = (description: string): ClientRefusal => new ClientRefusal('wrong_assertion', description);

/** The same error for an unknown client, a foreign or revoked key, a suspended agent and a wrong signature. */
const unproven = (reason: RefusalReason, credentialId?: string): ClientRefusal =>
  new ClientRefusal(
    reason,
    'No active key of this client matches the signature. Check sub, kid, alg and the key.',
    credentialId,
  );

/** RFC 7515 section 4.1.9: case-insensitive media types without `application/`. */
const TYPES = ['jwt', 'client-authentication+jwt'];
const isType = (typ: unknown): boolean =>
  typ === undefined ||
  (typeof typ === 'string' && TYPES.includes(typ.toLowerCase().replace(/^application\//, '')));

/** The key comes only from our own row, so headers that name another key are refused. */
const REFUSED_HEADERS = ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64'];

const malformed = (): ClientRefusal =>
  refuse('client_assertion must be a signed JWT whose sub is the client id.');

const decodeHeader = (assertion: string): ProtectedHeaderParameters => {
  try {
    return decodeProtectedHeader(assertion);
  } catch {
    throw malformed();
  }
};

const readHeader = (assertion: string): ProtectedHeaderParameters => {
  const header = decodeHeader(assertion);
  const refused = REFUSED_HEADERS.find((name) => Object.hasOwn(header, name));
  if (refused !== undefined) throw refuse(`The header of an assertion must not have ${refused}.`);
  if (!isType(header.typ)) throw refuse('The typ of an assertion must be client-authentication+jwt.');
  return header;
};

/** The unverified client id. Use it only for a look-up. */
export const clientOfAssertion = (assertion: string): string => {
  try {
    const { sub } = decodeJwt(assertion);
    if (typeof sub === 'string') return sub;
  } catch {
    throw malformed();
  }
  throw malformed();
};

const lookUp = async (db: Database, clientId: string): Promise<ClientKey[]> => {
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: Row[] }>('select * from find_keys_of_client(?)', [clientId]),
  );
  return rows.map(
    ({ tenant_id: tenantId, credential_id: credentialId, scopes, public_jwk: jwk, ...rest }) => ({
      client: { tenantId, agentId: clientId, credentialId, scopes },
      enabled: rest.enabled,
      expiresAt: rest.expires_at,
      thumbprint: rest.thumbprint,
      algorithm: rest.algorithm,
      key: createPublicKey({ key: jwk, format: 'jwk' }),
    }),
  );
};

/** The algorithm comes from the stored key. The header must match it. */
const mayHaveSigned = (
  { alg, kid }: ProtectedHeaderParameters,
  { client, thumbprint, algorithm }: ClientKey,
) =>
  (keyAlgorithms[algorithm] as readonly unknown[]).includes(alg) &&
  (kid === undefined || kid === client.credentialId || kid === thumbprint);

const verifyWith = async (assertion: string, { key, algorithm }: ClientKey): Promise<unknown> => {
  try {
    const { payload } = await compactVerify(assertion, key, { algorithms: [...keyAlgorithms[algorithm]] });
    return JSON.parse(new TextDecoder().decode(payload));
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const claimsSchema = z.object({
  iss: z.string(),
  sub: z.string(),
  aud: z.string(),
  exp: z.number(),
  iat: z.number().optional(),
  nbf: z.number().optional(),
  jti: z.string().regex(/^[\x20-\x7e]{1,256}$/),
});

const MAX_LIFE_SECONDS = 300;
/** The allowed clock skew of a client, in both directions. */
const LEEWAY_SECONDS = 30;

/** RFC 7523 section 3 as updated: the audience must be the issuer identifier, not a list or another URL. */
const checkClaims = (
  payload: unknown,
  { clientId, issuer, now }: { clientId: string; issuer: string; now: number },
) => {
  const { data: claims, error } = claimsSchema.safeParse(payload);
  if (error)
    throw refuse(`The claim ${error.issues[0]!.path.join('.')} is missing from the assertion or malformed.`);
  const { iss, sub, aud, exp, nbf = 0, iat = 0, jti } = claims;
  if (iss !== clientId || sub !== clientId) throw refuse('iss and sub must both be the client id.');
  if (aud !== issuer) throw refuse(`aud must be exactly ${issuer}, alone and not in a list.`);
  if (exp + LEEWAY_SECONDS <= now) throw refuse('The assertion has expired. Sign a new one.');
  if (exp > now + MAX_LIFE_SECONDS) throw refuse(`exp must be within ${MAX_LIFE_SECONDS} seconds.`);
  if (Math.max(nbf, iat) > now + LEEWAY_SECONDS) throw refuse('nbf and iat must not be in the future.');
  // The use is stored for as long as the assertion is valid.
  return { jti, expiresAt: new Date((exp + LEEWAY_SECONDS) * 1_000) };
};

interface Signed extends Proof {
  payload: unknown;
}

/** The first key that matches the signature. */
const findSigner = async (assertion: string, keys: readonly ClientKey[]): Promise<Signed | undefined> => {
  const header = readHeader(assertion);
  for (const candidate of keys) {
    const payload = mayHaveSigned(header, candidate) ? await verifyWith(assertion, candidate) : undefined;
    if (payload !== undefined) return { ...candidate, payload };
  }
  return undefined;
};

/**
 * Checks a `private_key_jwt`. The keys of a client are cached for a second and read again if none matches, so a new key
 * works immediately. Only the holder of an expired key learns that it has expired. Whether the assertion is unused and
 * the client still active is checked in the transaction that commits the change.
 */
export const createAssertionAuthentication = (
  db: Database,
  issuer: string,
  clock: Clock,
): AuthenticateAssertion => {
  const known = new LRUCache<string, ClientKey[]>({ max: 10_000, ttl: 1_000 });
  const findAnew = async (assertion: string, clientId: string): Promise<Signed | undefined> => {
    if (!isId('agt', clientId)) return undefined;
    const keys = await lookUp(db, clientId);
    const signed = await findSigner(assertion, keys);
    if (signed) known.set(clientId, keys);
    return signed;
  };
  const check = (signed: Signed | undefined, clientId: string): Client => {
    if (!signed) throw unproven('wrong_signature');
    if (!signed.enabled) throw unproven('not_live', signed.client.credentialId);
    const now = clock();
    const use = checkClaims(signed.payload, { clientId, issuer, now: now.getTime() / 1_000 });
    refuseExpired(signed, now);
    return { ...signed.client, assertion: use };
  };
  return async (assertion) => {
    const clientId = clientOfAssertion(assertion);
    const proveAnew = async (): Promise<Client> => check(await findAnew(assertion, clientId), clientId);
    const kept = await findSigner(assertion, known.get(clientId) ?? []);
    // The key may have been revoked and added again as another credential.
    return kept && isLive(kept, clock()) ? { ...check(kept, clientId), proveAnew } : proveAnew();
  };
};
