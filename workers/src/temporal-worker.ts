import { setTimeout as wait } from 'node:timers/promises';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { LogEntry } from '@temporalio/worker';
import { BILLING_QUEUE } from '@sentryagent/workflows/contracts';
import type { Activities } from '@sentryagent/workflows/contracts';
import type { Logger } from '@sentryagent/api/platform/logger';
import type { Config } from './config.ts';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Temporal's own words go to our log; ending is ours to decide. */
export const installRuntime = (logger: Logger): void => {
  const write = ({ level, message, meta }: LogEntry): void =>
    logger[LEVELS[level]]({ ...(meta as object | undefined) }, message);
  Runtime.install({ logger: new DefaultLogger('WARN', write), shutdownSignals: [] });
};

/** Waits for a Temporal that is not there yet. */
export const connect = async (config: Config, logger: Logger): Promise<NativeConnection> => {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: apiKey } = config;
  for (;;) {
    try {
      return await NativeConnection.connect({ address, ...(apiKey ? { apiKey, tls: true } : {}) });
    } catch (error) {
      logger.warn({ err: error, address }, 'Temporal is not reachable; tried again in 2 s');
      await wait(2_000);
    }
  }
};

/** No more activities at a time than there are connections to Postgres. Measured for two cores: see docs/operators.md. */
export const createWorker = (
  config: Config,
  connection: NativeConnection,
  activities: Activities,
): Promise<Worker> =>
  Worker.create({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    taskQueue: BILLING_QUEUE,
    workflowBundle: { codePath: config.WORKFLOW_BUNDLE },
    activities: { ...activities },
    maxConcurrentWorkflowTaskExecutions: 40,
    maxConcurrentActivityTaskExecutions: config.DB_POOL_MAX,
    // An idle subscription costs up to 0.5 MB while it is cached.
    maxCachedWorkflows: 500,
    // How long a killed worker's runs wait for it before another takes them; Temporal's own default is 10 s.
    stickyQueueScheduleToStartTimeout: '2s',
    shutdownGraceTime: '15s',
  });
