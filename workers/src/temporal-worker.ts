import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type LogEntry,
  type WorkerOptions,
} from '@temporalio/worker';
import {
  BATCH_QUEUE,
  BILLING_QUEUE,
  type Activities,
  type BatchActivities,
} from '@sentryagent/workflows/contracts';
import type { Logger } from '@sentryagent/api/platform/logger';
import type { Config } from './config.ts';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

const NAMING = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };

/** The SDK cannot tell the port that it gets for port 0. */
const freeLocalPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
};

/**
 * Writes the SDK's messages to our log. The SDK handles no signals: `main.ts` does. Returns the URL of the SDK's
 * metrics.
 */
export const installRuntime = async (logger: Logger): Promise<string> => {
  const address = `127.0.0.1:${await freeLocalPort()}`;
  const write = ({ level, message, meta }: LogEntry): void =>
    logger[LEVELS[level]]({ ...(meta as object | undefined) }, message);
  Runtime.install({
    logger: new DefaultLogger('WARN', write),
    shutdownSignals: [],
    // The names and units that the dashboards of Temporal expect.
    telemetryOptions: { metrics: { prometheus: { bindAddress: address, ...NAMING } } },
  });
  return `http://${address}/metrics`;
};

/** Retries until Temporal is available. */
export const connect = async (config: Config, logger: Logger): Promise<NativeConnection> => {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: apiKey } = config;
  for (;;) {
    try {
      return await NativeConnection.connect({ address, ...(apiKey ? { apiKey, tls: true } : {}) });
    } catch (error) {
      logger.warn({ err: error, address }, 'cannot connect to Temporal; retrying in 2 s');
      await wait(2_000);
    }
  }
};

/** Values for two cores: see docs/operators.md. */
const BILLING = {
  taskQueue: BILLING_QUEUE,
  maxConcurrentWorkflowTaskExecutions: 40,
  // An idle subscription costs up to 0.5 MB while it is cached.
  maxCachedWorkflows: 500,
};
const BATCH = { taskQueue: BATCH_QUEUE, maxConcurrentWorkflowTaskExecutions: 4, maxCachedWorkflows: 10 };

/** Off without a build id: every worker then takes every task. */
const deployment = ({ TEMPORAL_DEPLOYMENT, TEMPORAL_BUILD_ID }: Config): Partial<WorkerOptions> =>
  TEMPORAL_DEPLOYMENT !== undefined && TEMPORAL_BUILD_ID !== undefined
    ? {
        workerDeploymentOptions: {
          version: { deploymentName: TEMPORAL_DEPLOYMENT, buildId: TEMPORAL_BUILD_ID },
          useWorkerVersioning: true,
          defaultVersioningBehavior: 'AUTO_UPGRADE',
        },
      }
    : {};

/** One worker per queue, so that a nightly batch never delays a checkout. */
export const createWorkers = (
  config: Config,
  connection: NativeConnection,
  activities: { billing: Activities; batch: BatchActivities },
): Promise<Worker[]> => {
  const common = {
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    ...deployment(config),
    workflowBundle: { codePath: config.WORKFLOW_BUNDLE },
    // If a worker is killed, its workflows wait this long before another worker takes them. SDK default: 10 s.
    stickyQueueScheduleToStartTimeout: '2s',
    shutdownGraceTime: '15s',
  } as const;
  // At most as many concurrent activities as connections to Postgres.
  const most = config.DB_POOL_MAX;
  return Promise.all([
    Worker.create({
      ...common,
      ...BILLING,
      activities: { ...activities.billing },
      maxConcurrentActivityTaskExecutions: Math.max(1, most - 2),
    }),
    Worker.create({
      ...common,
      ...BATCH,
      activities: { ...activities.batch },
      maxConcurrentActivityTaskExecutions: Math.min(2, most),
    }),
  ]);
};
