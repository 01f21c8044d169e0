import type { Clock } from '../../platform/clock.ts';
import type { TenantDatabase } from '../../platform/database.ts';
import type { Origin, Principal } from '../../platform/principal.ts';
import { appendAudit } from '../audit/append-audit.ts';
import { succeeded } from '../audit/entry.ts';

/** Changes the name of the caller's tenant. The name that it already has leaves no audit entry. */
export const renameTenant = async (
  { db, clock }: { db: TenantDatabase; clock: Clock },
  principal: Principal,
  name: string,
  origin: Origin,
): Promise<void> => {
  const { tenantId } = principal;
  await db.withTenant(tenantId, async (trx) => {
    const { rows } = await trx.raw<{ rows: { changed: boolean }[] }>('select rename_tenant(?) as changed', [
      name,
    ]);
    if (!rows[0]!.changed) return;
    const act = { actor: principal, origin, at: clock() };
    const metadata = { changed: ['name'] };
    await appendAudit(trx, succeeded(act, { action: 'tenant.updated', agentId: null, metadata }));
  });
};
