import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { BATCH_QUEUE, schedules, type Schedule } from '@sentryagent/workflows/contracts';
import type { Logger } from '../../platform/logger.ts';
import type { Temporal } from '../../platform/temporal.ts';

const DEADLINE_MS = 10_000;

const optionsOf = ({ scheduleId, workflow, hour, note }: Schedule) =>
  ({
    scheduleId,
    spec: { calendars: [{ hour: hour ?? '*', minute: 0, comment: note }], timezone: 'UTC' },
    action: {
      type: 'startWorkflow',
      workflowType: workflow,
      workflowId: scheduleId,
      taskQueue: BATCH_QUEUE,
      args: [{}],
      staticSummary: note,
    },
    // Runs what was missed later, and never two at once. One more run makes up for all missed ones.
    policies: { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow: '30 days', pauseOnFailure: false },
  }) satisfies ScheduleOptions;

const ensure = async ({ schedule }: Client, options: ScheduleOptions): Promise<void> => {
  try {
    await schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    // Keeps the state, so that a release does not resume what an operator has paused.
    await schedule.getHandle(options.scheduleId).update(({ state }) => ({ ...options, state }) as never);
  }
};

/** Creates the schedules, or updates them to this release. */
const ensureSchedules = async (temporal: Temporal): Promise<void> => {
  for (const schedule of schedules) {
    await temporal.within(DEADLINE_MS, (client) => ensure(client, optionsOf(schedule)));
  }
};

const RETRY_MS = 10_000;

/** Retries in the background until it succeeds, so the API can start while Temporal is unavailable. */
export const keepSchedules = (temporal: Temporal, logger: Logger): (() => void) => {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const attempt = (): void => {
    ensureSchedules(temporal).catch((error: unknown) => {
      logger.warn({ err: error }, 'creating the Temporal schedules failed; retrying in 10 s');
      if (!isStopped) timer = setTimeout(attempt, RETRY_MS).unref();
    });
  };
  attempt();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
};
