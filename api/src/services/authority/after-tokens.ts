import type { Clock } from '../../platform/clock.ts';
import type { Transaction } from '../../platform/database.ts';
import { lockHead } from '../audit/append-audit.ts';

/** The allowed clock skew between processes. A later timestamp is wrong and would revoke the tokens of all others. */
const MAX_SKEW_MS = 5_000;
/** The number of entries to read: more than a busy tenant writes in a second. */
const NEWEST = 10_000;

/**
 * Returns the time for a not-before mark when tokens lose a right. It locks the audit head, as each commit of tokens
 * does. So later tokens do not have the right, and all earlier tokens must be revoked. The time is later than that of
 * the newest token, by any clock, and later than the last change of the affected agents.
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
