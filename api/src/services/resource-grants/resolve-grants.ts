import { Resource } from '../../models/resource.ts';
import type { Transaction } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';
import { isResource } from '../../platform/resource-uri.ts';
import type { ResourceGrant } from './resource-grants.ts';

/** A grant as a request names it. */
export interface GrantRequest {
  resource: string;
  scopes: readonly string[];
}

type Fault = { path: string; message: string };

const find = (resources: readonly Resource[], named: string): Resource | undefined =>
  resources.find(({ identifier }) => identifier === named) ??
  resources.find(({ identifier }) => isResource(named, identifier));

/** The grant, or what is wrong with it: nothing of another tenant's resource is told. */
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
 * What a request grants, with the resources that it names. The caller holds the tenant's row, so that these stay.
 * Problem: `validation_failed`, with every grant that is none.
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
