import type { Transaction } from '../../platform/database.ts';

/** Scopes of one resource that an agent may get. */
export interface ResourceGrant {
  resourceId: string;
  /** The resource's identifier. */
  resource: string;
  scopes: readonly string[];
}

/** The grants of each of these agents, by its id and in the order of the identifiers: one query for all of them. */
export const readGrants = async (
  trx: Transaction,
  tenantId: string,
  agentIds: string[],
): Promise<Map<string, ResourceGrant[]>> => {
  const { rows } = await trx.raw<{ rows: (ResourceGrant & { agentId: string })[] }>(
    `select g.agent_id as "agentId", g.resource_id as "resourceId", r.identifier as resource, g.scopes
     from agent_resource_grants g join resources r on r.tenant_id = g.tenant_id and r.id = g.resource_id
     where g.tenant_id = ? and g.agent_id = any (?) order by r.identifier`,
    [tenantId, agentIds],
  );
  return Map.groupBy(rows, ({ agentId }) => agentId);
};

export const readGrantsOf = async (
  trx: Transaction,
  { tenantId, id }: { tenantId: string; id: string },
): Promise<ResourceGrant[]> => (await readGrants(trx, tenantId, [id])).get(id) ?? [];

/** What the first grants and the second do not: nothing, where the second is enough. */
export const grantsBeyond = (
  grants: readonly ResourceGrant[],
  held: readonly ResourceGrant[],
): ResourceGrant[] => {
  const scopesHeld = new Map(held.map(({ resourceId, scopes }) => [resourceId, scopes]));
  return grants.flatMap((grant) => {
    const scopes = grant.scopes.filter((scope) => !scopesHeld.get(grant.resourceId)?.includes(scope));
    return scopes.length ? [{ ...grant, scopes }] : [];
  });
};

/** As the log and the API tell them. */
export const toldGrants = (grants: readonly ResourceGrant[]): { resource: string; scopes: string[] }[] =>
  grants.map(({ resource, scopes }) => ({ resource, scopes: [...scopes] }));
