import { watchHealth } from '@sentryagent/api/services/health/watch-health';
import { createLogger } from '@sentryagent/api/platform/logger';
import { prepareNamespace } from '@sentryagent/api/platform/temporal-namespace';
import { createActivities, createBatchActivities } from './activities.ts';
import { readConfig } from './config.ts';
import { closeDeps, createDeps } from './deps.ts';
import { createHealthServer } from './health.ts';
import { startMail } from './mail.ts';
import { runWorkers } from './run-workers.ts';
import { connect, createWorkers, installRuntime } from './temporal-worker.ts';

const config = readConfig();
const logger = createLogger(config.LOG_LEVEL);
installRuntime(logger);

const exitWith =
  (message: string) =>
  (error: unknown): never => {
    logger.fatal({ err: error }, message);
    process.exit(1);
  };
const cannotStart = exitWith('the worker cannot start');

const deps = await createDeps(config, logger).catch(cannotStart);
const { temporal } = deps;
const connection = await connect(config, logger);
await prepareNamespace(temporal, config.TEMPORAL_NAMESPACE, logger);
const activities = { billing: createActivities(deps), batch: createBatchActivities(deps) };
const workers = await runWorkers(connection, {
  connect: () => connect(config, logger),
  create: (connection) => createWorkers(config, connection, activities),
  temporal,
  logger,
}).catch(cannotStart);
const stopMail = startMail(deps, config);
const watch = await watchHealth({ database: deps.db.look, temporal: workers.look }, logger);

const health = createHealthServer({ workers, watch });
health.on('error', (error) => {
  logger.fatal(
    { err: error },
    `cannot listen on port ${config.METRICS_PORT}; set METRICS_PORT to another port`,
  );
  process.exit(1);
});
health.listen(config.METRICS_PORT, config.METRICS_HOST);

/** 15 s for work in progress, and 5 s to report to Temporal, which would block for 30 s if it is silent. */
const STOP_MS = 20_000;
const { promise: stopIsLate, resolve: giveUp } = Promise.withResolvers<void>();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    workers.stop();
    setTimeout(giveUp, STOP_MS).unref();
  });
}
logger.info({ temporal: config.TEMPORAL_ADDRESS, namespace: config.TEMPORAL_NAMESPACE }, 'polling for tasks');
await Promise.race([workers.ended.catch(exitWith('a worker failed')), stopIsLate]);
stopMail();
watch.stop();
health.closeAllConnections();
health.close();
await closeDeps(deps);
process.exit(0);
