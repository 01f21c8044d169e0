import { createHash } from 'node:crypto';
import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import canonicalize from 'canonicalize';
import type { Clock } from '../../platform/clock.ts';
import {
  joinTransaction,
  type Database,
  type TenantDatabase,
  type Transaction,
} from '../../platform/database.ts';
import { DecryptionError, open, seal } from '../../platform/envelope.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Principal, Scope } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';
import { heldScopes } from '../authority/authority.ts';
import { countKey } from '../limits/count-today.ts';

const SECRET_S = 10 * 60;
/** How many expired keys of the tenant each new key deletes. */
const MAX_CLEARED = 50;

export interface Attempt {
  principal: Principal;
  /** The operation id. The same key can be used once with each operation. */
  operation: string;
  key: string;
  /** The input. Another input with the same key is refused. */
  input: unknown;
  /**
   * Set if the response contains a secret: throws if the caller may not have a secret like it now. Such a response
   * expires after 10 minutes, any other after a day.
   */
  checkMayGetSecretAgain?: ((trx: Transaction, now: Date) => Promise<void>) | undefined;
}

export interface Once<T> {
  answer: T;
  replayed: boolean;
}

interface Row {
  fingerprint: Buffer;
  answer: string | null;
  /** The stored response has expired. */
  is_over: boolean;
  token_id: string | null;
  scopes: Scope[];
}

type RowId = Record<'tenant_id' | 'principal' | 'operation' | 'key', string>;

/** An agent that acts for another has separate keys, which count against its own limit. */
const callerOf = ({ kind, id, token }: Principal): string =>
  [`${kind}:${id}`, ...(token?.actors ?? [])].join(' ');

const clientOf = ({ kind, id, token }: Principal): string => `${kind}:${token?.clientId ?? id}`;

const rowIdOf = ({ principal, operation, key }: Attempt): RowId => ({
  tenant_id: principal.tenantId,
  principal: callerOf(principal),
  operation,
  key,
});

/** RFC 8785 rejects numbers beyond a double and lone surrogates. A body can contain them in fields that are ignored. */
const canonicalText = (input: unknown): string => {
  try {
    return canonicalize(input) ?? '';
  } catch (cause) {
    const detail =
      'A request with an Idempotency-Key must contain only valid Unicode and IEEE 754 numbers (RFC 7493).';
    throw new Problem('validation_failed', detail, { cause });
  }
};

const fingerprintOf = (input: unknown): Buffer => createHash('sha256').update(canonicalText(input)).digest();

/** Binds an encrypted response to its row. */
const contextOf = (id: RowId): string => `idempotency_keys.answer\n${Object.values(id).join('\n')}`;

/**
 * Returns the response only to the token of the first request, or to the same caller with at least its scopes. The first
 * token is always accepted, because its request may have replaced its own secret. Problem: `forbidden`.
 */
const checkMayHear = async (
  trx: Transaction,
  { principal, checkMayGetSecretAgain }: Attempt,
  { row, now }: { row: Row; now: Date },
): Promise<void> => {
  if (principal.token && principal.token.jti === row.token_id) return;
  await checkMayGetSecretAgain?.(trx, now);
  const held = await heldScopes(trx, principal, now);
  const missing = row.scopes.filter((scope) => !held.includes(scope));
  if (missing.length === 0) return;
  throw new Problem(
    'forbidden',
    `The first request with this Idempotency-Key had more scopes: ${missing.join(' ')}. ` +
      'Send it again with a token that has them.',
  );
};

/**
 * Deletes expired rows and skips locked ones. Runs after the own row is locked: otherwise two requests could wait for
 * each other's rows.
 */
const clear = async (trx: Transaction, tenantId: string): Promise<void> => {
  const old = (column: string) =>
    trx('idempotency_keys')
      .select('principal', 'operation', 'key')
      .where('tenant_id', tenantId)
      .where(column, '<=', trx.fn.now())
      .limit(MAX_CLEARED)
      .forUpdate()
      .skipLocked();
  const rows = ['principal', 'operation', 'key'];
  await trx('idempotency_keys').where('tenant_id', tenantId).whereIn(rows, old('expires_at')).delete();
  await trx('idempotency_keys')
    .where('tenant_id', tenantId)
    .whereIn(rows, old('answer_until').whereNotNull('answer'))
    .update({ answer: null });
};

/**
 * Takes the row of the key. Returns `false` if a request of the last 24 hours has it. Uses the clock of Postgres, which
 * all processes share. An expired row is replaced, so correctness does not depend on deletion.
 */
const takeKey = async (trx: Transaction, attempt: Attempt, fingerprint: Buffer): Promise<boolean> => {
  const inSeconds = (seconds: number) => trx.raw('now() + make_interval(secs => ?)', [seconds]);
  const taken = await trx('idempotency_keys')
    .insert({
      ...rowIdOf(attempt),
      fingerprint,
      token_id: attempt.principal.token?.jti ?? null,
      scopes: attempt.principal.scopes,
      answer: null,
      answer_until: inSeconds(attempt.checkMayGetSecretAgain ? SECRET_S : DAY_SECONDS),
      expires_at: inSeconds(DAY_SECONDS),
    })
    .onConflict(['tenant_id', 'principal', 'operation', 'key'])
    .merge()
    .where('idempotency_keys.expires_at', '<=', trx.fn.now())
    .returning('key');
  return taken.length > 0;
};

const gone = ({ checkMayGetSecretAgain }: Attempt, cause?: unknown): Problem =>
  new Problem(
    'idempotent_answer_gone',
    checkMayGetSecretAgain
      ? 'The request succeeded, but its response (with the secret) has expired. Rotate the credential to get a new secret.'
      : 'The request succeeded, but its response is no longer available. Use GET to read what it created.',
    { cause },
  );

const replay = <T>(
  { keys, logger }: { keys: Keyring; logger: Logger },
  attempt: Attempt,
  { row, fingerprint }: { row: Row; fingerprint: Buffer },
): T => {
  // eslint-disable-next-line no-restricted-syntax -- Both are hashes of what this caller sent: no secret of another.
  if (!row.fingerprint.equals(fingerprint)) {
    throw new Problem(
      'idempotency_key_reused',
      'This Idempotency-Key was used for another request. Send a new key.',
    );
  }
  if (row.answer === null || row.is_over) throw gone(attempt);
  try {
    return JSON.parse(open(keys, row.answer, contextOf(rowIdOf(attempt)))) as T;
  } catch (error) {
    if (!(error instanceof DecryptionError)) throw error;
    logger.warn(
      { err: error },
      'a stored response cannot be decrypted; the request gets 409 idempotent_answer_gone',
    );
    throw gone(attempt, error);
  }
};

/**
 * Runs the work for the first request of a key and returns the stored response to later ones. Key, work and response are
 * one transaction: failed work leaves no key and can be retried. A concurrent second request waits for the first.
 * Problems: `idempotency_key_reused`, `idempotent_answer_gone`, `daily_limit`,
 * `forbidden`.
 */
export const answerOnce = async <T>(
  deps: { db: Database; clock: Clock; keys: Keyring; logger: Logger },
  attempt: Attempt,
  work: (db: TenantDatabase) => Promise<T>,
): Promise<Once<T>> => {
  const { tenantId } = attempt.principal;
  const id = rowIdOf(attempt);
  const fingerprint = fingerprintOf(attempt.input);
  return deps.db.withTenant(tenantId, async (trx) => {
    if (!(await takeKey(trx, attempt, fingerprint))) {
      const row = (await trx('idempotency_keys')
        .where(id)
        .first('*', trx.raw('answer_until <= now() as is_over'))) as Row;
      await checkMayHear(trx, attempt, { row, now: deps.clock() });
      return { answer: replay<T>(deps, attempt, { row, fingerprint }), replayed: true };
    }
    await clear(trx, tenantId);
    await countKey(trx, tenantId, clientOf(attempt.principal));
    const answer = await work(joinTransaction(tenantId, trx));
    await trx('idempotency_keys')
      .where(id)
      .update({ answer: seal(deps.keys, JSON.stringify(answer), contextOf(id)) });
    return { answer, replayed: false };
  });
};
