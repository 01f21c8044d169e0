import { z } from 'zod';
import { unavailable } from '../../platform/problem.ts';
import { isWell, serviceStates, type ServiceState } from '../../platform/service-state.ts';
import { probeStatuses, type Probes } from '../../services/health/probe-services.ts';
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

const probed = z
  .object({
    status: z.enum(probeStatuses).meta({
      description:
        '`degraded`: it takes more than 1000 ms, it rejects requests, or, for Temporal, no worker has polled it for a minute. `unreachable`: it does not respond within 2 s. `disabled`: it is not configured.',
    }),
    latencyMs: z.int().nullable().meta({ description: '`null`: not measured.' }),
  })
  .meta({ id: 'ProbedService' });

const detailedSchema = z
  .object({
    status: z
      .enum(['healthy', 'degraded', 'unreachable'])
      .meta({ description: 'The worst of all services.' }),
    services: z.object({ database: probed, redis: probed, temporal: probed, stripe: probed }),
  })
  .meta({ id: 'DetailedHealth' });

/** The last known state of each dependency. */
export interface ApiHealth {
  current(): Record<'database' | 'redis' | 'temporal', ServiceState>;
}

export type ApiProbes = Probes<'database' | 'redis' | 'temporal' | 'stripe'>;

/** The worst first. */
const statusCodes = { unreachable: 503, degraded: 207, healthy: 200 } as const;

export const healthRoutes = (watch: ApiHealth, probes: ApiProbes, version: string): Route[] => [
  publicRoute({
    method: 'get',
    path: '/health',
    operationId: 'getHealth',
    summary: 'Get the health of the API and its services',
    responses: { 200: { description: 'The API is running', schema } },
    // Returns the last known states. Waits for no dependency.
    handle: async () => {
      const services = watch.current();
      const status = Object.values(services).every(isWell) ? 'ok' : 'degraded';
      return { status: 200, body: { status, version, uptime: Math.floor(process.uptime()), services } };
    },
  }),
  publicRoute({
    method: 'get',
    path: '/health/detailed',
    operationId: 'getDetailedHealth',
    summary: 'Probe each service; all callers within 10 s share the result',
    responses: {
      200: { description: 'Each configured service is healthy', schema: detailedSchema },
      207: { description: 'A service is degraded', schema: detailedSchema },
      503: { description: 'A service is unreachable', schema: detailedSchema },
    },
    handle: async () => {
      const services = await probes();
      const seen = Object.values(services).map(({ status }) => status);
      const [status, code] = Object.entries(statusCodes).find(([each]) => seen.includes(each as never))!;
      return { status: code, body: { status, services } };
    },
  }),
  publicRoute({
    method: 'get',
    path: '/health/ready',
    operationId: 'getReadiness',
    summary: 'Check whether this process can serve requests',
    responses: {
      200: {
        description: 'This process can serve requests',
        schema: z.object({ status: z.literal('ready') }),
      },
    },
    problems: ['service_unavailable'],
    handle: async ({ signingKeys }) => {
      if (watch.current().database === 'disconnected')
        throw unavailable(new Error('Postgres is unavailable'));
      // Throws a 503 if this process cannot decrypt it.
      void signingKeys.current;
      return { status: 200, body: { status: 'ready' } };
    },
  }),
];
