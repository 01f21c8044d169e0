import { watchHealth } from '@sentryagent/api/services/health/watch-health';
import { closeAll } from '@sentryagent/api/platform/close-all';
import { every } from '@sentryagent/api/platform/every';
import { createLogger } from '@sentryagent/api/platform/logger';
import { listen } from '@sentryagent/api/platform/plain-server';
import { probeStripe } from '@sentryagent/api/services/health/stripe-probe';
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
const sdkMetricsUrl = await installRuntime(logger);

const cannotStart = (error: unknown): never => {
  logger.fatal({ err: error }, 'the worker cannot start');
  process.exit(1);
};

const { promise: stopRequested, resolve: requestStop } = Promise.withResolvers<undefined>();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => requestStop(undefined));

/** The time to close the parts that have no work of their own. */
const PARTS_MS = 2_000;

const PROBE_STRIPE_MS = 15_000;

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

const deps = await unlessStopped(createDeps(config, sdkMetricsUrl, logger).catch(cannotStart));
closeSockets = () => closeDeps(deps);
const { temporal } = deps;
let workers: RunningWorkers | undefined = undefined;
const watch = await unlessStopped(
  watchHealth({ database: deps.db.look, temporal: () => (workers ?? temporal).look() }, logger),
);
parts['health checks'] = watch.stop;
const health = createHealthServer({ workers: () => workers, watch, metrics: deps.metrics });
listen(health, ['METRICS_PORT', config.METRICS_PORT], config.METRICS_HOST, logger);
parts['health server'] = () => (health.close(), health.closeAllConnections());

const lookAtStripe = (): Promise<void> => probeStripe(deps);
lookAtStripe().catch((error: unknown) => logger.warn({ err: error }, 'probing Stripe failed'));
parts['probe of Stripe'] = every(PROBE_STRIPE_MS, logger, 'probing Stripe', lookAtStripe);

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
