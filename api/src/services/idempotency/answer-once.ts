import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Clock } from '../../platform/clock.ts';
import { joinTransaction } from '../../platform/database.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { open, seal } from '../../platform/envelope.ts';
import type { Keyring } from '../../platform/keyring.ts';
import type { Principal } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';
import { countKey } from '../limits/count-today.ts';

const DAY_MS = 24 * 3_600_000;
const SECRET_MS = 10 * 60_000;
/** How many old keys of the tenant a new one clears away. */
const MAX_CLEARED = 50;

export interface Attempt {
  principal: Principal;
  /** The operation's id: one key may be used with each operation. */
  operation: string;
  key: string;
  /** What is asked; another one under the same key is refused. */
  input: unknown;
  /** An answer that holds a secret is kept for ten minutes, any other for a day. */
  holdsSecret: boolean;
}

export interface Once<T> {
  answer: T;
  replayed: boolean;
}

interface Row {
  fingerprint: Buffer;
  answer: string | null;
  answer_until: Date;
}

type RowId = Record<'tenant_id' | 'principal' | 'operation' | 'key', string>;

const rowIdOf = ({ principal, operation, key }: Attempt): RowId => ({
  tenant_id: principal.tenantId,
  principal: `${principal.kind}:${principal.id}`,
  operation,
  key,
});

/** RFC 8785 takes no number beyond a double and no half of a character, which a body may hold where nothing reads it. */
const canonicalText = (input: unknown): string => {
  try {
    return canonicalize(input) ?? '';
  } catch (cause) {
    const detail =
      'With an Idempotency-Key, send whole characters, and numbers that a double holds (RFC 7493).';
    throw new Problem('validation_failed', detail, { cause });
  }
};

const fingerprintOf = (input: unknown): Buffer => createHash('sha256').update(canonicalText(input)).digest();

/** Binds a sealed answer to its row. */
const contextOf = (id: RowId): string => `idempotency_keys.answer\n${Object.values(id).join('\n')}`;

/** What has expired is of no use to anybody; a row that somebody holds is left for the next time. */
const clear = async (trx: Transaction, tenantId: string, now: Date): Promise<void> => {
  const old = (column: string) =>
    trx('idempotency_keys')
      .select('principal', 'operation', 'key')
      .where('tenant_id', tenantId)
      .where(column, '<=', now)
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

const replay = <T>(
  keys: Keyring,
  id: RowId,
  row: Row,
  { fingerprint, now }: { fingerprint: Buffer; now: Date },
): T => {
  if (!row.fingerprint.equals(fingerprint)) {
    throw new Problem(
      'idempotency_key_reused',
      'This Idempotency-Key was used for another request. Send a new one.',
    );
  }
  if (row.answer === null || row.answer_until <= now) {
    throw new Problem(
      'idempotent_answer_gone',
      'This was done; its answer held a secret and is no longer kept. Rotate the credential to get another.',
    );
  }
  return JSON.parse(open(keys, row.answer, contextOf(id))) as T;
};

/**
 * Does the work for the first request of a key and answers the same to the next ones. Key, work and answer are one
 * transaction: work that fails, or is cut off, leaves no key and may be tried again, and a second request that comes
 * meanwhile waits for the first. Problems: `idempotency_key_reused`, `idempotent_answer_gone`, `daily_limit`.
 */
export const answerOnce = async <T>(
  { db, clock, keys }: { db: Database; clock: Clock; keys: Keyring },
  attempt: Attempt,
  work: (db: Database) => Promise<T>,
): Promise<Once<T>> => {
  const { tenantId } = attempt.principal;
  const now = clock();
  const id = rowIdOf(attempt);
  const fingerprint = fingerprintOf(attempt.input);
  return db.withTenant(tenantId, async (trx) => {
    await clear(trx, tenantId, now);
    const inserted = await trx('idempotency_keys')
      .insert({
        ...id,
        fingerprint,
        answer_until: new Date(now.getTime() + (attempt.holdsSecret ? SECRET_MS : DAY_MS)),
        expires_at: new Date(now.getTime() + DAY_MS),
      })
      .onConflict()
      .ignore()
      .returning('key');
    if (inserted.length === 0) {
      const row = (await trx('idempotency_keys').where(id).first()) as Row;
      return { answer: replay<T>(keys, id, row, { fingerprint, now }), replayed: true };
    }
    await countKey(trx, { tenantId, now }, id.principal);
    const answer = await work(joinTransaction(db, tenantId, trx));
    await trx('idempotency_keys')
      .where(id)
      .update({ answer: seal(keys, JSON.stringify(answer), contextOf(id)) });
    return { answer, replayed: false };
  });
};
