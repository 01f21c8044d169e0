import { readConfig } from './config.ts';
import { collectDefaultMetrics } from 'prom-client';
import { closeDeps, createDeps, healthSources, probeServices } from './deps.ts';
import { createApp } from './http/app.ts';
import { createAttemptLimits } from './http/attempt-limits.ts';
import { createRoutes } from './http/routes/routes.ts';
import { createHttpServer, stopLimits } from './http/server.ts';
import { closeAll } from './platform/close-all.ts';
import { createLogger } from './platform/logger.ts';
import { createPlainServer, listen } from './platform/plain-server.ts';
import { watchHealth } from './services/health/watch-health.ts';
import { keepSchedules } from './services/schedules/ensure-schedules.ts';
import { readVersion } from './version.ts';

const config = readConfig();
const logger = createLogger(config.LOG_LEVEL);

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** Before the API listens, it has nothing to finish or store. A container's first process ignores an unhandled signal. */
const exitAtOnce = (): never => process.exit(0);
for (const signal of SIGNALS) process.on(signal, exitAtOnce);

const deps = await createDeps(config, logger).catch((error: unknown) => {
  logger.fatal({ err: error }, 'the API cannot start');
  process.exit(1);
});
const watch = await watchHealth(healthSources(deps), logger);
const stopKeeping = deps.temporal && keepSchedules(deps.temporal, logger);
const routes = createRoutes({
  attemptLimits: createAttemptLimits(deps.redis, config),
  watch,
  probes: probeServices(deps),
  version: readVersion(),
});
const { server, stop } = createHttpServer(createApp(deps, routes), config.HTTP_KEEP_ALIVE_MS);

const { registry } = deps.metrics;
collectDefaultMetrics({ register: registry });
const metricsServer = createPlainServer({
  '/metrics': async () => ({ type: registry.contentType, body: await registry.metrics() }),
});
listen(metricsServer, ['METRICS_PORT', config.METRICS_PORT], config.METRICS_HOST, logger);
listen(server, ['API_PORT', config.API_PORT], config.API_HOST, logger);
server.on('listening', () => {
  logger.info({ url: config.PUBLIC_URL, host: config.API_HOST, port: config.API_PORT }, 'listening');
});

/** The server stops within its own limits. This is the deadline if it does not. */
const SERVER_MS = stopLimits.drainMs + stopLimits.answerMs + 1_000;

/**
 * Finishes open requests, accepts no new ones, stores the counts and closes the sockets. It takes at most 19 seconds, even
 * if a part fails or hangs. Returns whether all of it succeeded.
 */
const shutDown = async (): Promise<boolean> => {
  const entrances = { 'health checks': watch.stop, schedules: stopKeeping, 'HTTP server': stop };
  const isStopped = await closeAll(entrances, SERVER_MS, logger);
  return (await closeDeps(deps)) && isStopped;
};

let stopping = false;
for (const signal of SIGNALS) {
  process.off(signal, exitAtOnce);
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'shutting down');
    void shutDown().then((isClean) => process.exit(isClean ? 0 : 1));
  });
}
