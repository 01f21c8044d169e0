import type { AnnouncedPage } from '@sentryagent/workflows/contracts';
import { announcedBefore, dueNotice } from '@sentryagent/workflows/rules/credential-expiry';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { mailOwners } from '../mail/queue-mail.ts';

interface Expiring {
  tenant_id: string;
  credential_id: string;
  agent_id: string;
  agent_name: string;
  expires_at: Date;
}

const PAGE = 500;

const announce = (db: Database, expiring: Expiring, now: Date): Promise<number> =>
  db.withTenant(expiring.tenant_id, async (trx) => {
    const daysLeft = dueNotice(expiring.expires_at, now);
    if (daysLeft === null) return 0;
    const expiresAt = expiring.expires_at.toISOString();
    return mailOwners(trx, expiring.tenant_id, {
      kind: 'credential_expiry',
      key: `${expiring.credential_id} ${expiresAt} ${daysLeft}`,
      data: {
        agentId: expiring.agent_id,
        agentName: expiring.agent_name,
        credentialId: expiring.credential_id,
        expiresAt,
        daysLeft,
      },
    });
  });

/** Queues the mails that are due for a page of credentials that end soon; announced again, it queues none. */
export const announceExpiry = async (
  { db, clock }: { db: Database; clock: Clock },
  after: string,
): Promise<AnnouncedPage> => {
  const now = clock();
  const rows = await db.acrossTenants(
    async (trx) =>
      (
        await trx.raw<{ rows: Expiring[] }>('select * from expiring_credentials(?, ?, ?)', [
          announcedBefore(now),
          after,
          PAGE,
        ])
      ).rows,
  );
  let queued = 0;
  for (const row of rows) queued += await announce(db, row, now);
  return { queued, next: rows.length === PAGE ? rows.at(-1)!.credential_id : null };
};
