import type { Clock } from '../../platform/clock.ts';
import type { Transaction } from '../../platform/database.ts';
import { lockHead } from '../audit/append-audit.ts';

/** Clocks of processes are kept within this: a later one is wrong, and would refuse the tokens of all others. */
const MAX_SKEW_MS = 5_000;
/** Entries that are looked at: more than a busy tenant writes in a second. */
const NEWEST = 10_000;

/**
 * When something that tokens rely on is taken away. Tokens are committed under the head, which is held from here on.
 * What is dated after this holds no more than is left, and what is not, ends: so it is later than the newest of them,
 * by whichever clock, and than the last change of those who lose it.
 */
export const afterTokens = async (
  trx: Transaction,
  { tenantId, changedAt }: { tenantId: string; changedAt: Date },
  clock: Clock,
): Promise<Date> => {
  const { sequence } = await lockHead(trx, tenantId);
  const now = clock().getTime();
  const { rows } = await trx.raw<{ rows: { at: Date | null }[] }>(
    'select max(occurred_at) as at from audit_events where tenant_id = ? and sequence > ?',
    [tenantId, sequence - NEWEST],
  );
  const before = Math.max(rows[0]?.at?.getTime() ?? 0, changedAt.getTime());
  return new Date(Math.min(Math.max(now, before + 1), now + MAX_SKEW_MS));
};
