import type { AnnouncedPage } from '@sentryagent/workflows/contracts';
import { noticesAt } from '@sentryagent/workflows/rules/credential-expiry';
import type { Clock } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { mailOwners } from '../mail/queue-mail.ts';

/** Tenants per page. A page has whole tenants, so no digest is split. */
const PAGE = 500;
/** A digest lists this many credentials and counts the others. */
const LISTED = 20;
/** The maximum number of credentials in a digest, so that no tenant delays the run. The rest follows a day later. */
const MOST = 10_000;

interface Due {
  agentId: string;
  agentName: string;
  credentialId: string;
  expiresAt: Date;
  /** `expiresAt` as text with microseconds. A Date has only milliseconds and would not match the row. */
  exactly: string;
  days: number;
}

/** The credentials of the transaction's tenant whose due notice is not recorded yet. */
const findDue = async (trx: Transaction, now: Date): Promise<Due[]> => {
  const notices = noticesAt(now);
  const { rows } = await trx.raw<{ rows: Due[] }>(
    `select a.id as "agentId", a.name as "agentName", c.id as "credentialId", c.expires_at as "expiresAt",
       c.expires_at::text as exactly, notice.days
     from credentials c
     join agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id
     cross join lateral (
       select min(days) as days from unnest(?::integer[], ?::timestamptz[]) as notices (days, until)
       where c.expires_at <= until
     ) as notice
     left join credential_notices given
       on given.tenant_id = c.tenant_id and given.credential_id = c.id and given.expires_at = c.expires_at
     where c.revoked_at is null and c.expires_at > ? and notice.days is not null and client_is_live(a, c)
       and (given.days is null or given.days > notice.days)
     order by c.expires_at, c.id limit ?`,
    [notices.map(({ days }) => days), notices.map(({ until }) => until), now, MOST],
  );
  return rows;
};

const noteGiven = (trx: Transaction, tenantId: string, due: readonly Due[]) =>
  trx.raw(
    `insert into credential_notices (tenant_id, credential_id, expires_at, days)
     select ?, * from unnest(?::text[], ?::timestamptz[], ?::integer[])
     on conflict (tenant_id, credential_id) do update set expires_at = excluded.expires_at, days = excluded.days`,
    [
      tenantId,
      due.map(({ credentialId }) => credentialId),
      due.map(({ exactly }) => exactly),
      due.map(({ days }) => days),
    ],
  );

/**
 * Queues a tenant's digest and records its notices. The key of the mail is the day, so parallel runs queue only one. If
 * no mail is queued (no verified owner, or already queued today), no notice is recorded.
 */
const announce = (db: Database, tenantId: string, now: Date): Promise<Omit<AnnouncedPage, 'next'>> =>
  db.withTenant(tenantId, async (trx) => {
    const due = await findDue(trx, now);
    if (due.length === 0) return { queued: 0, noticed: 0 };
    const credentials = due.slice(0, LISTED).map(({ agentId, agentName, credentialId, expiresAt }) => ({
      agentId,
      agentName,
      credentialId,
      expiresAt: expiresAt.toISOString(),
    }));
    const queued = await mailOwners(trx, tenantId, {
      kind: 'expiring_credentials',
      key: now.toISOString().slice(0, 10),
      data: { credentials, more: due.length - credentials.length },
    });
    if (queued === 0) return { queued, noticed: 0 };
    await noteGiven(trx, tenantId, due);
    return { queued, noticed: due.length };
  });

/** Queues the digests of a page of tenants. Can be repeated: it queues no digest twice. */
export const announceExpiry = async (
  { db, clock }: { db: Database; clock: Clock },
  after: string,
): Promise<AnnouncedPage> => {
  const now = clock();
  const before = noticesAt(now).at(-1)!.until;
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: { tenant_id: string; is_expiring: boolean }[] }>(
      'select * from expiring_tenants(?, ?, ?)',
      [after, before, PAGE],
    ),
  );
  let [queued, noticed] = [0, 0];
  for (const { tenant_id, is_expiring } of rows) {
    if (!is_expiring) continue;
    const announced = await announce(db, tenant_id, now);
    queued += announced.queued;
    noticed += announced.noticed;
  }
  return { queued, noticed, next: rows.length === PAGE ? rows.at(-1)!.tenant_id : null };
};
