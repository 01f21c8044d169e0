import { Resource } from '../../models/resource.ts';
import type { Transaction } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';
import { isResource } from '../../platform/resource-uri.ts';
import type { ResourceGrant } from './resource-grants.ts';

/** A grant in a request. */
export interface GrantRequest {
  resource: string;
  scopes: readonly string[];
}

type Fault = { path: string; message: string };

const find = (resources: readonly Resource[], named: string): Resource | undefined =>
  resources.find(({ identifier }) => identifier === named) ??
  resources.find(({ identifier }) => isResource(named, identifier));

/** The grant, or the error. The error is the same if the resource belongs to another tenant. */
const resolve = (
  resources: readonly Resource[],
  { resource: named, scopes }: GrantRequest,
  path: string,
): ResourceGrant | Fault => {
  const resource = find(resources, named);
  if (!resource) {
    return {
      path: `${path}.resource`,
      message: 'is not a resource of your tenant. Use GET /resources to list them',
    };
  }
  const unknown = scopes.filter((scope) => !resource.scopes.includes(scope));
  if (unknown.length) {
    return {
      path: `${path}.scopes`,
      message: `${unknown.join(' ')}: not a scope of this resource`,
    };
  }
  return {
    resourceId: resource.id,
    resource: resource.identifier,
    scopes: resource.scopes.filter((scope) => scopes.includes(scope)),
  };
};

/**
 * Finds the resources of the requested grants. The caller holds the tenant's row, so the resources cannot be deleted.
 * Problem: `validation_failed`, with every invalid grant.
 */
export const resolveGrants = async (
  trx: Transaction,
  tenantId: string,
  requested: readonly GrantRequest[],
): Promise<ResourceGrant[]> => {
  if (requested.length === 0) return [];
  const resources = await Resource.query(trx).where('tenant_id', tenantId);
  const [grants, errors]: [ResourceGrant[], Fault[]] = [[], []];
  for (const [index, request] of requested.entries()) {
    const path = `body.resourceGrants.${index}`;
    const resolved = resolve(resources, request, path);
    if ('message' in resolved) errors.push(resolved);
    else if (grants.some(({ resourceId }) => resourceId === resolved.resourceId)) {
      errors.push({ path: `${path}.resource`, message: 'occurs twice; put its scopes into one grant' });
    } else grants.push(resolved);
  }
  const [first] = errors;
  if (first) {
    throw new Problem('validation_failed', `${first.path}: ${first.message}`, { members: { errors } });
  }
  return grants.sort((a, b) => (a.resource < b.resource ? -1 : 1));
};
