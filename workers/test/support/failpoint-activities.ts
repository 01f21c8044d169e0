import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import type { Activities } from '@sentryagent/workflows/contracts';
import { createActivities as create, type ActivityDeps } from '../../src/activities.ts';
import type { Failpoint } from './failpoints.ts';

export { createBatchActivities } from '../../src/activities.ts';

/** Kills this process if a file with the tenant's name has this point. The file is removed first, so it dies once. */
const dieAt = (point: Failpoint): void => {
  const [, tenantId = ''] = activityInfo().workflowExecution!.workflowId.split('/');
  const file = join(process.env.FAILPOINTS!, tenantId);
  if (!existsSync(file) || readFileSync(file, 'utf8') !== point) return;
  rmSync(file);
  process.kill(process.pid, 'SIGKILL');
};

const withFailpoints =
  <I, O>(name: keyof Activities, work: (input: I) => Promise<O>) =>
  async (input: I): Promise<O> => {
    dieAt(`before ${name}`);
    const result = await work(input);
    dieAt(`after ${name}`);
    return result;
  };

/** The real activities, each between two failpoints. */
export const createActivities = (deps: ActivityDeps): Activities => {
  const activities = Object.entries(create(deps)) as [
    keyof Activities,
    (input: unknown) => Promise<unknown>,
  ][];
  return Object.fromEntries(
    activities.map(([name, work]) => [name, withFailpoints(name, work)]),
  ) as unknown as Activities;
};
