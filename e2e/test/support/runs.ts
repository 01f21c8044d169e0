import type { SignedUp } from './people.ts';
import type { SellingStack } from './stack.ts';

interface Described {
  pendingActivities?: unknown[];
  pendingWorkflowTask?: object;
}

/** The workflows of a tenant that run, and whether each waits for a time or a message alone. */
export const runsOf = async ({ billing: { temporalCli } }: SellingStack, { tenantId }: SignedUp) => {
  const json = async <T>(args: string[]): Promise<T> =>
    JSON.parse(await temporalCli(['workflow', ...args, '--output', 'json'])) as T;
  const query = 'ExecutionStatus = "Running"';
  const all = await json<{ execution: { workflowId: string }; type: { name: string } }[]>([
    ...['list', '--limit', '1000', '--query', query],
  ]);
  const ours = all.filter(({ execution }) => execution.workflowId.split('/')[1] === tenantId);
  return Promise.all(
    ours.map(async ({ execution: { workflowId }, type }) => {
      const { pendingActivities = [], pendingWorkflowTask } = await json<Described>([
        ...['describe', '-w', workflowId],
      ]);
      return { type: type.name, isWaiting: pendingActivities.length === 0 && !pendingWorkflowTask };
    }),
  );
};
