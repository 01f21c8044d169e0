import { Resource } from '../../models/resource.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { isId } from '../../platform/ids.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { notFound } from '../../platform/problem.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';

/** Ends new tokens for a service within a second; those that are out live to their end. Problem: `not_found`. */
export const deleteResource = async (
  { db, clock }: { db: Database; clock: Clock },
  principal: Principal,
  resourceId: string,
  origin: Origin,
): Promise<void> => {
  if (!isId('res', resourceId)) throw notFound();
  const { tenantId } = principal;
  await db.withTenant(tenantId, async (trx) => {
    const [resource] = await Resource.query(trx)
      .delete()
      .where({ tenant_id: tenantId, id: resourceId })
      .returning('*');
    if (!resource) throw notFound();
    const act = { actor: principal, origin, at: clock() };
    const metadata = { resourceId, identifier: resource.identifier };
    await appendAudit(trx, succeeded(act, { action: 'resource.deleted', agentId: null, metadata }));
  });
};
