import { watchHealth } from '@sentryagent/api/services/health/watch-health';
import { closeAll } from '@sentryagent/api/platform/close-all';
import { createLogger } from '@sentryagent/api/platform/logger';
import { prepareNamespace } from './temporal-namespace.ts';
import { createActivities, createBatchActivities } from './activities.ts';
import { readConfig } from './config.ts';
import { closeDeps, createDeps } from './deps.ts';
import { createHealthServer } from './health.ts';
import { startMail } from './mail.ts';
import { runWorkers, type RunningWorkers } from './run-workers.ts';
import { connect, createWorkers, installRuntime } from './temporal-worker.ts';
import { untilStopped } from './until-stopped.ts';

const config = readConfig();
const logger = createLogger(config.LOG_LEVEL);
installRuntime(logger);

const cannotStart = (error: unknown): never => {
  logger.fatal({ err: error }, 'the worker cannot start');
  process.exit(1);
};

const { promise: stopRequested, resolve: requestStop } = Promise.withResolvers<undefined>();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => requestStop(undefined));

/** The time to close the parts that have no work of their own. */
const PARTS_MS = 2_000;

/** What is open so far. The sockets are closed last, because the parts use them. */
const parts: Record<string, () => unknown> = {};
let closeSockets = (): Promise<boolean> => Promise.resolve(true);

const closeAndExit = async (isWorkDone: boolean): Promise<never> => {
  const isClosed = await closeAll(parts, PARTS_MS, logger);
  process.exit((await closeSockets()) && isClosed && isWorkDone ? 0 : 1);
};

/** Waits for a step of the start, which can take forever. A signal that arrives first ends the process. */
const unlessStopped = async <T>(step: Promise<T>): Promise<T> => {
  const done = await Promise.race([step.then((value) => ({ value })), stopRequested]);
  return done ? done.value : closeAndExit(true);
};

const deps = await unlessStopped(createDeps(config, logger).catch(cannotStart));
closeSockets = () => closeDeps(deps);
const { temporal } = deps;
let workers: RunningWorkers | undefined = undefined;
const watch = await unlessStopped(
  watchHealth({ database: deps.db.look, temporal: () => (workers ?? temporal).look() }, logger),
);
parts['health checks'] = watch.stop;
const health = createHealthServer({ workers: () => workers, watch });
health.on('error', (error) => {
  logger.fatal(
    { err: error },
    `cannot listen on port ${config.METRICS_PORT}; set METRICS_PORT to another port`,
  );
  process.exit(1);
});
health.listen(config.METRICS_PORT, config.METRICS_HOST);
parts['health server'] = () => (health.close(), health.closeAllConnections());

const connection = await unlessStopped(connect(config, logger));
await unlessStopped(prepareNamespace(temporal, config.TEMPORAL_NAMESPACE, logger));
const activities = { billing: createActivities(deps), batch: createBatchActivities(deps) };
const running = runWorkers(connection, {
  connect: () => connect(config, logger),
  create: (connection) => createWorkers(config, connection, activities),
  temporal,
  logger,
});
workers = await unlessStopped(running.catch(cannotStart));
parts.mail = startMail(deps, config);

const stopped = untilStopped(workers, logger);
void stopRequested.then(stopped.stop);
logger.info({ temporal: config.TEMPORAL_ADDRESS, namespace: config.TEMPORAL_NAMESPACE }, 'polling for tasks');
await closeAndExit(await stopped.ended);
