import type { Database, Transaction } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Origin } from '../../platform/principal.ts';
import { appendAudits } from '../audit/append-audit.ts';
import { failed, type AuditEntry } from '../audit/entry.ts';
import type { RefusalReason } from './client-refusal.ts';

export interface Refusal {
  /** The client id of the request, unverified. */
  clientId: string;
  reason: RefusalReason;
  credentialId: string | undefined;
  origin: Origin;
  at: Date;
}

type Ended = 'suspended' | 'decommissioned' | 'revoked' | 'expired';

interface Known {
  refusal: Refusal;
  tenantId: string;
  /** Still `not_live` if the client is active again by now, or if the secret was rotated away. */
  reason: RefusalReason | Ended;
}

interface Row {
  place: number;
  tenant_id: string;
  ended: Ended | null;
}

const findKnown = async (db: Database, refusals: readonly Refusal[]): Promise<Known[]> => {
  // Postgres rejects NUL in a text, so look up only valid ids.
  const asked = refusals.filter(({ clientId }) => isId('agt', clientId));
  if (asked.length === 0) return [];
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: Row[] }>('select * from find_refused_clients(?, ?)', [
      asked.map(({ clientId }) => clientId),
      asked.map(({ credentialId = '' }) => credentialId),
    ]),
  );
  return rows.map(({ place, tenant_id: tenantId, ended }) => {
    const refusal = asked[place - 1]!;
    return { refusal, tenantId, reason: refusal.reason === 'not_live' && ended ? ended : refusal.reason };
  });
};

/** True if no process has recorded this reason for this client within the last minute. */
const claim = async (trx: Transaction, { refusal, tenantId, reason }: Known): Promise<boolean> => {
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `insert into auth_failures as f (tenant_id, agent_id, reason, recorded_at) values (?, ?, ?, ?)
     on conflict (tenant_id, agent_id, reason) do update set recorded_at = excluded.recorded_at
       where f.recorded_at <= excluded.recorded_at - interval '1 minute'
     returning 1`,
    [tenantId, refusal.clientId, reason, refusal.at],
  );
  return rows.length > 0;
};

const entryOf = ({ refusal, tenantId, reason }: Known): AuditEntry => {
  const { clientId, credentialId, origin, at } = refusal;
  const act = { actor: { tenantId, kind: 'agent' as const, id: clientId }, origin, at };
  const metadata = { reason, ...(credentialId !== undefined && { credentialId }) };
  return failed(act, { action: 'auth.failed', agentId: clientId, metadata });
};

const byClaim = (a: Known, b: Known): number =>
  a.refusal.clientId.localeCompare(b.refusal.clientId) || a.reason.localeCompare(b.reason);

/** A transaction locks these agents. Suspending one of them must not wait for many others. */
const MAX_TOGETHER = 50;

/**
 * All processes take claims in the same order and before the first entry, so that a process that waits for a claim does
 * not hold the lock of the audit head.
 */
const record = (db: Database, tenantId: string, known: readonly Known[]): Promise<void> =>
  db.withTenant(tenantId, async (trx) => {
    const claimed = new Set<Known>();
    for (const one of known.toSorted(byClaim)) if (await claim(trx, one)) claimed.add(one);
    const due = known.filter((one) => claimed.has(one));
    await appendAudits(trx, tenantId, due.map(entryOf));
  });

/** One line for all of them. An id that is not ours may be a misplaced secret, so only 8 characters are logged. */
const logUnknown = (logger: Logger, unknown: readonly Refusal[]): void => {
  if (unknown.length === 0) return;
  const clients = unknown.slice(0, 5).map(({ clientId, reason, origin: { requestId, ip } }) => ({
    clientId: isId('agt', clientId) ? clientId : clientId.slice(0, 8),
    reason,
    requestId,
    ip,
  }));
  logger.info({ count: unknown.length, clients }, 'unknown clients were refused');
};

/**
 * Writes an audit entry for known clients and one log line for all unknown ones. Returns the refusals that could not be
 * written. Rejects if the clients cannot be looked up.
 */
export const recordRefusals = async (
  { db, logger }: { db: Database; logger: Logger },
  refusals: readonly Refusal[],
): Promise<Refusal[]> => {
  const known = await findKnown(db, refusals);
  const ofKnown = new Set(known.map(({ refusal }) => refusal));
  logUnknown(
    logger,
    refusals.filter((refusal) => !ofKnown.has(refusal)),
  );
  const late: Refusal[] = [];
  for (const [tenantId, ofTenant] of Map.groupBy(known, (one) => one.tenantId)) {
    for (let at = 0; at < ofTenant.length; at += MAX_TOGETHER) {
      const some = ofTenant.slice(at, at + MAX_TOGETHER);
      try {
        await record(db, tenantId, some);
      } catch (error) {
        logger.warn({ err: error, tenantId }, 'writing the audit entries of refused clients failed');
        late.push(...some.map(({ refusal }) => refusal));
      }
    }
  }
  return late;
};
