import type { Transaction } from '../../platform/database.ts';

/** The scopes of one resource that an agent can get. */
export interface ResourceGrant {
  resourceId: string;
  /** The resource's identifier. */
  resource: string;
  scopes: readonly string[];
}

/** The grants of these agents by agent id, sorted by identifier. One query for all agents. */
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

/** What the first has and the second lacks. Empty if the second has all of it. */
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

/** As in the audit log and the API. */
export const namedGrants = (grants: readonly ResourceGrant[]): { resource: string; scopes: string[] }[] =>
  grants.map(({ resource, scopes }) => ({ resource, scopes: [...scopes] }));
