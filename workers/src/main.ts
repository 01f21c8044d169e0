import { createServer } from 'node:http';
import { createLogger } from '@sentryagent/api/platform/logger';
import { prepareNamespace } from '@sentryagent/api/platform/temporal-namespace';
import { readVersion } from '@sentryagent/api/version';
import { createActivities } from './activities.ts';
import { readConfig } from './config.ts';
import { closeDeps, createDeps } from './deps.ts';
import { connect, createWorker, installRuntime } from './temporal-worker.ts';

const config = readConfig();
const logger = createLogger(config.LOG_LEVEL);
installRuntime(logger);

const deps = await createDeps(config, logger).catch((error: unknown) => {
  logger.fatal({ err: error }, 'the worker cannot start');
  process.exit(1);
});
const connection = await connect(config, logger);
await prepareNamespace(deps.temporal, config.TEMPORAL_NAMESPACE, logger);
const worker = await createWorker(config, connection, createActivities(deps)).catch((error: unknown) => {
  logger.fatal({ err: error }, 'the worker cannot start');
  process.exit(1);
});

/** Whether this process takes work: for whoever watches over it. */
const health = createServer((request, response) => {
  const [isThere, state] = [request.url === '/health', worker.getState()];
  response.writeHead(!isThere ? 404 : state === 'RUNNING' ? 200 : 503, {
    'Content-Type': 'application/json',
  });
  response.end(isThere ? JSON.stringify({ state, version: readVersion(), uptime: process.uptime() }) : '{}');
});
health.on('error', (error) => {
  logger.fatal({ err: error }, `port ${config.METRICS_PORT} cannot be had; set METRICS_PORT`);
  process.exit(1);
});
health.listen(config.METRICS_PORT, config.METRICS_HOST);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (worker.getState() === 'RUNNING') worker.shutdown();
  });
}
logger.info({ temporal: config.TEMPORAL_ADDRESS, namespace: config.TEMPORAL_NAMESPACE }, 'working');
await worker.run();
health.closeAllConnections();
health.close();
await connection.close();
await closeDeps(deps);
process.exit(0);
