import { createServer } from 'node:http';
import { createLogger } from '@sentryagent/api/platform/logger';
import { prepareNamespace } from '@sentryagent/api/platform/temporal-namespace';
import { readVersion } from '@sentryagent/api/version';
import { createActivities, createBatchActivities } from './activities.ts';
import { readConfig } from './config.ts';
import { closeDeps, createDeps } from './deps.ts';
import { startMail } from './mail.ts';
import { connect, createWorkers, installRuntime } from './temporal-worker.ts';

const config = readConfig();
const logger = createLogger(config.LOG_LEVEL);
installRuntime(logger);

const cannotStart = (error: unknown): never => {
  logger.fatal({ err: error }, 'the worker cannot start');
  process.exit(1);
};

const deps = await createDeps(config, logger).catch(cannotStart);
const connection = await connect(config, logger);
await prepareNamespace(deps.temporal, config.TEMPORAL_NAMESPACE, logger);
const workers = await createWorkers(config, connection, {
  billing: createActivities(deps),
  batch: createBatchActivities(deps),
}).catch(cannotStart);
const stopMail = startMail(deps, config);

/** Whether this process takes work: for whoever watches over it. */
const health = createServer((request, response) => {
  const isThere = request.url === '/health';
  const states = workers.map((worker) => worker.getState());
  const status = states.every((state) => state === 'RUNNING') ? 200 : 503;
  response.writeHead(isThere ? status : 404, { 'Content-Type': 'application/json' });
  response.end(isThere ? JSON.stringify({ states, version: readVersion(), uptime: process.uptime() }) : '{}');
});
health.on('error', (error) => {
  logger.fatal({ err: error }, `port ${config.METRICS_PORT} cannot be had; set METRICS_PORT`);
  process.exit(1);
});
health.listen(config.METRICS_PORT, config.METRICS_HOST);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  });
}
logger.info({ temporal: config.TEMPORAL_ADDRESS, namespace: config.TEMPORAL_NAMESPACE }, 'working');
await Promise.all(workers.map((worker) => worker.run()));
stopMail();
health.closeAllConnections();
health.close();
await connection.close();
await closeDeps(deps);
process.exit(0);
