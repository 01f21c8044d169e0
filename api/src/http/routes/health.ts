import { z } from 'zod';
import { isWell, serviceStates, type ServiceState } from '../../platform/service-state.ts';
import { routesOf, type Route } from '../route.ts';

const { publicRoute } = routesOf('health');

const service = z.enum(serviceStates).meta({
  description:
    '`degraded`: it responds, but is slow or rejects commands. `disconnected`: it does not respond. `disabled`: it is not configured.',
});

const schema = z
  .object({
    status: z.enum(['ok', 'degraded']),
    version: z.string(),
    uptime: z.int().meta({ description: 'Whole seconds.' }),
    services: z.object({ database: service, redis: service, temporal: service }),
  })
  .meta({ id: 'Health' });

/** The last known state of each dependency. */
export interface ApiHealth {
  current(): Record<'database' | 'redis' | 'temporal', ServiceState>;
}

/** Returns the last known states. Waits for no dependency. */
export const healthRoute = (watch: ApiHealth, version: string): Route =>
  publicRoute({
    method: 'get',
    path: '/health',
    operationId: 'getHealth',
    summary: 'Get the health of the API and its services',
    responses: { 200: { description: 'The API is running', schema } },
    handle: async () => {
      const services = watch.current();
      const status = Object.values(services).every(isWell) ? 'ok' : 'degraded';
      return { status: 200, body: { status, version, uptime: Math.floor(process.uptime()), services } };
    },
  });
