import { readFileSync } from 'node:fs';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, makeTelemetryFilterString } from '@temporalio/worker';
import { BILLING_QUEUE, searchAttributes } from '@sentryagent/workflows/contracts';
import type { Activities, BatchActivities } from '@sentryagent/workflows/contracts';
import { required } from '../../../dev/test/support/required.ts';

export const workflowBundle = (): { code: string } => ({
  code: readFileSync(required('TEST_WORKFLOW_BUNDLE'), 'utf8'),
});

const TYPES = { KEYWORD: 2, DATETIME: 6 };

let isInstalled = false;

/** Temporal's own words only where something failed; a process has one runtime. */
export const quietRuntime = (): void => {
  if (isInstalled) return;
  isInstalled = true;
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter, forward: {} } },
  });
};

/** The runs that a test has started. */
const started = new Set<string>();

/**
 * Ends the runs that a test has left open, and names them. The server skips no more time after a run has ended in the
 * middle of a task, so a test must await the end of each run (https://github.com/temporalio/sdk-java/issues/1138).
 */
const endRuns = async ({ client }: TestWorkflowEnvironment): Promise<string[]> => {
  const ended = await Promise.allSettled(
    [...started].map((id) =>
      client.workflow
        .getHandle(id)
        .terminate()
        .then(() => id),
    ),
  );
  started.clear();
  return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
};

/** Temporal's time-skipping server: while a run's result is awaited, its timers fire at once. */
export const startEnvironment = async (): Promise<TestWorkflowEnvironment> => {
  quietRuntime();
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: required('TEST_TEMPORAL_TEST_SERVER') } },
    // Histories are kept: they tell no machine's name.
    client: {
      identity: 'client',
      interceptors: {
        workflow: [
          {
            startWithDetails: (input, next) => {
              started.add(input.options.workflowId);
              return next(input);
            },
          },
        ],
      },
    },
  });
  await environment.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(
      Object.values(searchAttributes).map(({ name, type }) => [name, TYPES[type]]),
    ),
  });
  return environment;
};

/** Runs a worker with these activities for as long as the work takes; one queue serves every workflow here. */
export const withWorker = async <T>(
  environment: TestWorkflowEnvironment,
  activities: Activities | BatchActivities,
  work: () => Promise<T>,
): Promise<T> => {
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    identity: 'worker',
    taskQueue: BILLING_QUEUE,
    workflowBundle: workflowBundle(),
    activities: { ...activities },
  });
  const leftOpen: string[] = [];
  const result = await worker.runUntil(
    work().finally(async () => leftOpen.push(...(await endRuns(environment)))),
  );
  if (leftOpen.length) throw new Error(`await the end of ${leftOpen.join(', ')}`);
  return result;
};
