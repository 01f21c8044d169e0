import { createServer, type Server } from 'node:http';
import type { HealthWatch } from '@sentryagent/api/services/health/watch-health';
import { isWell } from '@sentryagent/api/platform/service-state';
import { readVersion } from '@sentryagent/api/version';
import type { RunningWorkers } from './run-workers.ts';

interface Health {
  /** `undefined` until the first connection to Temporal. */
  workers(): Pick<RunningWorkers, 'states'> | undefined;
  watch: Pick<HealthWatch<'database' | 'temporal'>, 'current'>;
}

/** `GET /health` for the supervisor of this process. 503 if a worker does not run, so that the process is restarted. */
export const createHealthServer = ({ workers, watch }: Health): Server =>
  createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (request.url !== '/health') return answer(404, {});
    const [states, services] = [workers()?.states() ?? [], watch.current()];
    const isRunning = states.length > 0 && states.every((state) => state === 'RUNNING');
    answer(isRunning ? 200 : 503, {
      status: isRunning && Object.values(services).every(isWell) ? 'ok' : 'degraded',
      version: readVersion(),
      uptime: Math.floor(process.uptime()),
      states,
      services,
    });
  });
