import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.ts';
import { doDue, resumeAdvances } from './clock-runs.ts';
import { readConfig } from './config.ts';
import { createEmit } from './events.ts';
import { noFaults } from './faults.ts';
import { createIdempotency } from './idempotency.ts';
import { openSchema } from './schema.ts';
import { openSnapshot } from './snapshot.ts';
import type { Stand } from './stand.ts';
import { createViolations } from './violations.ts';
import { createWebhooks } from './webhooks.ts';

const SWEEP_MS = 1_000;

const config = readConfig();
const now = (): number => Math.floor(Date.now() / 1_000);
const { state, changed, save } = openSnapshot(config.dataFile);
const faults = noFaults();
const violations = createViolations(config.schemaFile ? openSchema(config.schemaFile) : undefined);
const webhooks = createWebhooks({ state, faults, changed });
const stand: Stand = {
  state,
  origin: '',
  now,
  emit: createEmit({ state, now, webhooks, violations, changed }),
};
const idempotency = createIdempotency(state.answers, now);

const server = createServer(createApp({ stand, faults, violations, idempotency, changed }).callback());

const stop = (): void => {
  save();
  process.exit(0);
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

server.on('error', (error) => {
  process.stderr.write(`The stand-in for Stripe cannot listen: ${error.message}\n`);
  process.exit(1);
});
server.listen(config.port, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  stand.origin = `http://localhost:${port}`;
  webhooks.resume();
  resumeAdvances(stand);
  setInterval(() => doDue(stand), SWEEP_MS);
  process.stdout.write(`Local stand-in for Stripe on http://127.0.0.1:${port}\n`);
});
