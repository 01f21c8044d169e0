import { BILLING_QUEUE } from '@sentryagent/workflows/contracts';
import type { Temporal } from '../../platform/temporal.ts';
import type { Seen } from '../../platform/service-state.ts';
import { PROBE_MS } from './probe-services.ts';

/** A poll lasts up to 60 s. Temporal notes its worker when it begins and when it ends. */
const SILENCE_MS = 65_000;
/** `taskQueueType`: of workflow tasks (`temporal.api.enums.v1.TaskQueueType`). */
const queue = { taskQueue: { name: BILLING_QUEUE }, taskQueueType: 1 };

/** `degraded` if Temporal responds but no worker has polled it for tasks in the last minute. */
export const lookForWorkers = async (temporal: Temporal): Promise<Seen> => {
  const { pollers } = await temporal.within(PROBE_MS, ({ workflowService, options: { namespace } }) =>
    workflowService.describeTaskQueue({ namespace, ...queue }),
  );
  const polls = pollers.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000);
  return Date.now() - Math.max(0, ...polls) < SILENCE_MS
    ? { state: 'connected' }
    : { state: 'degraded', cause: new Error('no worker polls for tasks') };
};
