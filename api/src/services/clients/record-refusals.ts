import type { Database, Transaction } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Origin } from '../../platform/principal.ts';
import { appendAudits } from '../audit/append-audit.ts';
import { failed } from '../audit/entry.ts';
import type { AuditEntry } from '../audit/entry.ts';
import type { RefusalReason } from './client-refusal.ts';

export interface Refusal {
  /** Whom the client said to be. */
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
  /** `not_live` is left where what had ended lives again, or was a secret that was rotated away. */
  reason: RefusalReason | Ended;
}

interface Row {
  place: number;
  tenant_id: string;
  ended: Ended | null;
}

const findKnown = async (db: Database, refusals: readonly Refusal[]): Promise<Known[]> => {
  // Postgres takes no NUL in a text: what cannot be an id is not asked for.
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

/** Whether no process has told this reason of this client within the last minute: this one does, then. */
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

/** A transaction holds the claimed agents: suspending one of them must not wait for a flood of the others. */
const MAX_TOGETHER = 50;

/**
 * Claims are taken in one order by every process, and all of them before the first entry: who waits for another's must
 * not hold the head meanwhile.
 */
const record = (db: Database, tenantId: string, known: readonly Known[]): Promise<void> =>
  db.withTenant(tenantId, async (trx) => {
    const claimed = new Set<Known>();
    for (const one of known.toSorted(byClaim)) if (await claim(trx, one)) claimed.add(one);
    const told = known.filter((one) => claimed.has(one));
    await appendAudits(trx, tenantId, told.map(entryOf));
  });

/** One line, however many there were. What is no id of ours may be a secret in the wrong place: it is cut short. */
const tellUnknown = (logger: Logger, unknown: readonly Refusal[]): void => {
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
 * Known clients get an entry in their tenant's log, unknown ones share a line in ours. Answers what could not be
 * written; rejects where it cannot be known who is known.
 */
export const recordRefusals = async (
  { db, logger }: { db: Database; logger: Logger },
  refusals: readonly Refusal[],
): Promise<Refusal[]> => {
  const known = await findKnown(db, refusals);
  const told = new Set(known.map(({ refusal }) => refusal));
  tellUnknown(
    logger,
    refusals.filter((refusal) => !told.has(refusal)),
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
