import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import pg from 'pg';
import { BARE_QUEUE, type BareActivities, type BareSettings } from './bare-contract.ts';

/** A worker with the settings of ours, whose activities do next to nothing. */
const { address, databaseUrl } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as BareSettings;
const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });

const activities: BareActivities = {
  open: () => Promise.resolve('https://checkout.example/c/pay/cs_test_a1'),
  look: () => Promise.resolve(),
  close: () => Promise.resolve(),
  apply: async (id) => {
    const text = 'update bench_applied set count = count + 1 where id = $1';
    await pool.query({ name: 'apply', text, values: [id] });
  },
};

const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: BARE_QUEUE,
  workflowsPath: fileURLToPath(new URL('./bare-workflows.ts', import.meta.url)),
  activities: { ...activities },
  maxConcurrentWorkflowTaskExecutions: 40,
  maxCachedWorkflows: 500,
  maxConcurrentActivityTaskExecutions: 18,
});
await worker.run();
