import { z } from 'zod';
import { scopesOfRole } from '../../platform/principal.ts';
import { Problem } from '../../platform/problem.ts';
import { renameTenant } from '../../services/tenants/rename-tenant.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { routesOf, type Route } from '../route.ts';
import { line } from '../text.ts';

const { sessionRoute } = routesOf('tenant');

export const tenantSchema = z.object({ id: z.string(), name: z.string() }).meta({ id: 'Tenant' });

const get = sessionRoute({
  method: 'get',
  path: '/tenant',
  operationId: 'getTenant',
  summary: 'Get the signed-in user’s tenant',
  responses: { 200: { description: 'The tenant', schema: tenantSchema } },
  handle: async (_deps, _request, { tenant }) => ({ status: 200, body: tenant }),
});

const update = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'patch',
    path: '/tenant',
    operationId: 'updateTenant',
    summary: 'Rename the tenant; for owners and admins',
    body: z.strictObject({ name: line(1, 128) }),
    responses: { 200: { description: 'The tenant', schema: tenantSchema } },
    problems: ['forbidden', 'rate_limited'],
    handle: async (deps, { body, origin }, { user, tenant, role }) => {
      if (role === 'member') {
        throw new Problem(
          'forbidden',
          'Your role does not allow this. Ask an owner or admin of your tenant.',
        );
      }
      await limits.tenantName.consume(user.id);
      const principal = {
        tenantId: tenant.id,
        kind: 'member',
        id: user.id,
        scopes: scopesOfRole(role),
      } as const;
      await renameTenant(deps, principal, body.name, origin);
      return { status: 200, body: { id: tenant.id, name: body.name } };
    },
  });

export const tenantRoutes = (limits: AttemptLimits): Route[] => [get, update(limits)];
