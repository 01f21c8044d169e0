import { z } from 'zod';
import type { Resource } from '../../models/resource.ts';
import { createResource } from '../../services/resources/create-resource.ts';
import { deleteResource } from '../../services/resources/delete-resource.ts';
import { listResources } from '../../services/resources/list-resources.ts';
import { identifier, scopeName } from '../resource-shapes.ts';
import { routesOf } from '../route.ts';

const { scopedRoute } = routesOf('resources');

const resourceSchema = z
  .object({
    resourceId: z.string(),
    identifier: z
      .string()
      .meta({ description: 'The `resource` of a token request and the `aud` of the token.' }),
    scopes: z.array(z.string()),
    tokenTtlSeconds: z.int(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Resource', description: 'A service of the tenant that accepts our tokens (RFC 8707).' });

const present = ({ id, createdAt, ...rest }: Resource) => ({
  ...rest,
  resourceId: id,
  createdAt: createdAt.toISOString(),
});

const create = scopedRoute({
  method: 'post',
  path: '/resources',
  operationId: 'createResource',
  summary: 'Create a resource: a service of yours that accepts access tokens',
  access: ['agents:write'],
  repeatable: 'answer',
  body: z.strictObject({
    identifier,
    scopes: z.array(scopeName).min(1).max(20).meta({ description: 'The service’s own scopes.' }),
    tokenTtlSeconds: z
      .int()
      .min(60)
      .max(3_600)
      .default(900)
      .meta({ description: 'The lifetime of its tokens.' }),
  }),
  responses: { 201: { description: 'The resource', schema: resourceSchema } },
  problems: ['resource_taken', 'resource_limit'],
  handle: async (deps, { body, origin }, principal) => ({
    status: 201,
    body: present(await createResource(deps, principal, body, origin)),
  }),
});

const list = scopedRoute({
  method: 'get',
  path: '/resources',
  operationId: 'listResources',
  summary: 'List the tenant’s resources, newest first',
  access: ['agents:read'],
  responses: {
    200: {
      description: 'All resources; a tenant has at most 100',
      schema: z.object({ data: z.array(resourceSchema) }).meta({ id: 'ResourceList' }),
    },
  },
  handle: async ({ db }, _request, { tenantId }) => ({
    status: 200,
    body: { data: (await listResources(db, tenantId)).map(present) },
  }),
});

const remove = scopedRoute({
  method: 'delete',
  path: '/resources/:resourceId',
  operationId: 'deleteResource',
  summary: 'Delete a resource and its grants',
  access: ['agents:write'],
  params: z.strictObject({ resourceId: z.string() }),
  responses: { 204: { description: 'Deleted', schema: null } },
  problems: ['not_found'],
  handle: async (deps, { params, origin }, principal) => {
    await deleteResource(deps, principal, params.resourceId, origin);
    return { status: 204 };
  },
});

export const resourceRoutes = [create, list, remove];
