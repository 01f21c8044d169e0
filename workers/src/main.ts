import { watchHealth } from '@sentryagent/api/services/health/watch-health';
import { closeAll } from '@sentryagent/api/platform/close-all';
import { createLogger } from '@sentryagent/api/platform/logger';
import { prepareNamespace } from '@sentryagent/api/platform/temporal-namespace';
import { createActivities, createBatchActivities } from './activities.ts';
import { readConfig } from './config.ts';
import { closeDeps, createDeps } from './deps.ts';
import { createHealthServer } from './health.ts';
import { startMail } from './mail.ts';
import { runWorkers } from './run-workers.ts';
import type { RunningWorkers } from './run-workers.ts';
import { connect, createWorkers, installRuntime } from './temporal-worker.ts';
import { untilStopped } from './until-stopped.ts';

const config = readConfig();
const logger = createLogger(config.LOG_LEVEL);
installRuntime(logger);

const cannotStart = (error: unknown): never => {
  logger.fatal({ err: error }, 'the worker cannot start');
  process.exit(1);
};

/** The time to close the parts that have no work of their own. */
const PARTS_MS = 2_000;

const deps = await createDeps(config, logger).catch(cannotStart);
const { temporal } = deps;
let workers: RunningWorkers | undefined = undefined;
const watch = await watchHealth(
  { database: deps.db.look, temporal: () => (workers ?? temporal).look() },
  logger,
);
const health = createHealthServer({ workers: () => workers, watch });
health.on('error', (error) => {
  logger.fatal(
    { err: error },
    `cannot listen on port ${config.METRICS_PORT}; set METRICS_PORT to another port`,
  );
  process.exit(1);
});
health.listen(config.METRICS_PORT, config.METRICS_HOST);

const connection = await connect(config, logger);
await prepareNamespace(temporal, config.TEMPORAL_NAMESPACE, logger);
const activities = { billing: createActivities(deps), batch: createBatchActivities(deps) };
workers = await runWorkers(connection, {
  connect: () => connect(config, logger),
  create: (connection) => createWorkers(config, connection, activities),
  temporal,
  logger,
}).catch(cannotStart);
const stopMail = startMail(deps, config);

const stopped = untilStopped(workers, logger);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stopped.stop);
logger.info({ temporal: config.TEMPORAL_ADDRESS, namespace: config.TEMPORAL_NAMESPACE }, 'polling for tasks');
const isWorkDone = await stopped.ended;
const parts = {
  mail: stopMail,
  'health checks': watch.stop,
  'health server': () => (health.close(), health.closeAllConnections()),
};
const isClosed = await closeAll(parts, PARTS_MS, logger);
process.exit((await closeDeps(deps)) && isClosed && isWorkDone ? 0 : 1);
