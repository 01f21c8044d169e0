import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { names } from '@sentryagent/workflows/contracts';
import type { BatchActivities } from '@sentryagent/workflows/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEnvironment, withWorker } from './support/environment.ts';

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await startEnvironment();
});
afterAll(() => environment.teardown());

const run = (deleteExpired: BatchActivities['deleteExpired']): Promise<number> =>
  withWorker(environment, { deleteExpired } as BatchActivities, () =>
    environment.client.workflow.execute<() => Promise<number>>(names.housekeeping, {
      workflowId: `housekeeping-${randomUUID()}`,
      taskQueue: 'billing',
    }),
  );

describe('housekeeping', () => {
  it('asks for batch after batch until there are no more', async () => {
    const batches = [2_000, 2_000, 17];
    const total = await run(async () => ({ deleted: batches.shift()!, isMore: batches.length > 0 }));
    expect(total).toBe(4_017);
    expect(batches).toEqual([]);
  });

  it('tries a batch again for as long as it takes: six failures with their pauses', async () => {
    let calls = 0;
    const from = await environment.currentTimeMs();
    const total = await run(async () => {
      if (++calls <= 6) throw new Error('Postgres is away');
      return { deleted: 5, isMore: false };
    });
    expect([total, calls]).toEqual([5, 7]);
    // 1 + 2 + 4 + 8 + 16 + 32 s
    expect((await environment.currentTimeMs()) - from).toBeGreaterThanOrEqual(63_000);
  });
});
