import { Resource } from '../../models/resource.ts';
import type { Transaction } from '../../platform/database.ts';
import { fieldProblem, type FieldFault } from '../../platform/field-problem.ts';
import { isResource } from '../../platform/resource-uri.ts';
import type { ResourceGrant } from './resource-grants.ts';

/** A grant in a request. */
export interface GrantRequest {
  resource: string;
  scopes: readonly string[];
}

const find = (resources: readonly Resource[], named: string): Resource | undefined =>
  resources.find(({ identifier }) => identifier === named) ??
  resources.find(({ identifier }) => isResource(named, identifier));

/** The grant, or the error. The error is the same if the resource belongs to another tenant. */
const resolve = (
  resources: readonly Resource[],
  { resource: named, scopes }: GrantRequest,
  path: FieldFault['path'],
): ResourceGrant | FieldFault => {
  const resource = find(resources, named);
  if (!resource) {
    return {
      path: [...path, 'resource'],
      words: 'is not one of the resources of your tenant',
    };
  }
  const unknown = scopes.filter((scope) => !resource.scopes.includes(scope));
  if (unknown.length) {
    return {
      path: [...path, 'scopes'],
      words: `must be scopes of this resource. Unknown to it: ${unknown.join(', ')}`,
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
  const [grants, errors]: [ResourceGrant[], FieldFault[]] = [[], []];
  for (const [index, request] of requested.entries()) {
    const path = ['body', 'resourceGrants', index];
    const resolved = resolve(resources, request, path);
    if ('words' in resolved) errors.push(resolved);
    else if (grants.some(({ resourceId }) => resourceId === resolved.resourceId)) {
      errors.push({
        path: [...path, 'resource'],
        words: 'must not occur twice. Put its scopes into one grant',
      });
    } else grants.push(resolved);
  }
  const [first, ...others] = errors;
  if (first) throw fieldProblem([first, ...others]);
  return grants.sort((a, b) => (a.resource < b.resource ? -1 : 1));
};
