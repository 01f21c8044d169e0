import { Resource } from '../../models/resource.ts';
import type { Database } from '../../platform/database.ts';

/** The tenant's resources, newest first. Not paged, because their number is limited. */
export const listResources = (db: Database, tenantId: string): Promise<Resource[]> =>
  db.withTenant(tenantId, (trx) => Resource.query(trx).where('tenant_id', tenantId).orderBy('id', 'desc'));
