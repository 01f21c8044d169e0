import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import type { Pool } from 'pg';
import type { Candidate } from '../bench.ts';
import { measureTurns, timed } from '../load.ts';
import type { Servers } from '../servers.ts';
import { BARE_QUEUE, type BareSettings } from './bare-contract.ts';
import { createWatch } from './watch.ts';

export const BARE_START = 'bare Temporal: update-with-start';
export const BARE_SIGNAL = 'bare Temporal: signal to row';

const start = async (client: Client): Promise<string> => {
  const workflowId = `bare-checkout/${randomUUID()}`;
  await client.workflow.executeUpdateWithStart('open', {
    updateId: 'open',
    startWorkflowOperation: new WithStartWorkflowOperation('bareCheckout', {
      workflowId,
      taskQueue: BARE_QUEUE,
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
    }),
  });
  return workflowId;
};

const end = async (client: Client, workflowId: string): Promise<void> => {
  const handle = client.workflow.getHandle(workflowId);
  await handle.signal('nudge');
  await handle.result();
};

/** Ends all that the round has started, as ours does. */
const startCandidate = (client: Client): Candidate => ({
  name: BARE_START,
  measure: async (load) => {
    const started: string[] = [];
    const measured = await measureTurns(load, async () => [
      await timed(async () => started.push(await start(client))),
    ]);
    await Promise.all(started.map((id) => end(client, id)));
    return measured;
  },
});

const signalCandidate = async (client: Client, pool: Pool, connections: number): Promise<Candidate> => {
  const ids = Array.from({ length: connections }, (_, index) => `bare-subscription/${index}`);
  await pool.query('create table bench_applied (id text primary key, count integer not null default 0)');
  await pool.query('insert into bench_applied (id) select unnest($1::text[])', [ids]);
  for (const id of ids) {
    const options = { workflowId: id, taskQueue: BARE_QUEUE, args: [id] };
    await client.workflow.start('bareSubscription', options);
  }
  const watch = createWatch<{ id: string; count: number }>(pool, 'select id, count from bench_applied');
  const free = [...ids];
  return {
    name: BARE_SIGNAL,
    measure: (load) =>
      measureTurns(load, async () => {
        const id = free.pop()!;
        const { count } = (await watch.read(id))!;
        const took = await timed(async () => {
          await client.workflow.getHandle(id).signal('nudge');
          await watch.until(id, (row) => row!.count > count);
        });
        free.push(id);
        return [took];
      }),
  };
};

/** The same steps on the same server by a client and a worker that do nothing else. */
export const prepareBare = async (
  { children, folder, databaseUrl }: Servers,
  { address, pool, connections }: { address: string; pool: Pool; connections: number },
): Promise<[Candidate, Candidate]> => {
  const file = join(folder, 'bare-worker.json');
  const settings: BareSettings = { address, databaseUrl };
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  const argv = [process.execPath, 'loadtests/bench/billing/bare-worker.ts', file];
  children.serve({ name: 'bare-worker', argv, env: { NODE_ENV: 'production' } });
  const client = new Client({ connection: await Connection.connect({ address }) });
  // The worker bundles its workflows first, which must not share the cores with a round of ours.
  await end(client, await start(client));
  return [startCandidate(client), await signalCandidate(client, pool, connections)];
};
