import type { Server } from 'node:http';
import type { HealthWatch } from '@sentryagent/api/services/health/watch-health';
import { createPlainServer } from '@sentryagent/api/platform/plain-server';
import { isWell } from '@sentryagent/api/platform/service-state';
import { readVersion } from '@sentryagent/api/version';
import type { WorkerMetrics } from './metrics.ts';
import type { RunningWorkers } from './run-workers.ts';

interface Health {
  /** `undefined` until the first connection to Temporal. */
  workers(): Pick<RunningWorkers, 'states'> | undefined;
  watch: Pick<HealthWatch<'database' | 'temporal'>, 'current'>;
  metrics: Pick<WorkerMetrics, 'print'>;
}

/**
 * `GET /health` for the supervisor of this process: 503 if a worker does not run, so that the process is restarted.
 * `GET /metrics` for Prometheus.
 */
export const createHealthServer = ({ workers, watch, metrics }: Health): Server =>
  createPlainServer({
    '/health': () => {
      const [states, services] = [workers()?.states() ?? [], watch.current()];
      const isRunning = states.length > 0 && states.every((state) => state === 'RUNNING');
      const body = {
        status: isRunning && Object.values(services).every(isWell) ? 'ok' : 'degraded',
        version: readVersion(),
        uptime: Math.floor(process.uptime()),
        states,
        services,
      };
      return { status: isRunning ? 200 : 503, type: 'application/json', body: JSON.stringify(body) };
    },
    '/metrics': metrics.print,
  });
