import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';

const SECRET = 'whsec_secretOfTheTests';

/** Takes connections and says nothing. */
const silent = createServer(() => {});
let api: TestApi;
beforeAll(async () => {
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  api = await startApi({
    env: {
      TEMPORAL_ADDRESS: `127.0.0.1:${(silent.address() as AddressInfo).port}`,
      STRIPE_SECRET_KEY: 'sk_test_delivery',
      STRIPE_API_URL: 'http://127.0.0.1:9',
      STRIPE_WEBHOOK_SECRETS: SECRET,
      DB_POOL_MAX: '4',
    },
  });
});
afterAll(async () => {
  await api.close();
  silent.close();
});

const deliver = async (index: number): Promise<void> => {
  const payload = JSON.stringify({
    id: `evt_burst_${index}`,
    object: 'event',
    type: 'invoice.paid',
    created: Math.floor(Date.now() / 1_000),
    livemode: false,
    data: { object: { object: 'invoice', customer: `cus_${index}` } },
  });
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET });
  const { status } = await call(api, '/billing/webhook', {
    method: 'POST',
    headers: { 'stripe-signature': signature },
    body: payload,
  });
  expect(status).toBe(200);
};

it('a burst of events while Temporal is silent keeps neither Stripe nor the tokens waiting', async () => {
  const owner = await signUp(api);
  const agent = await registerAgent(api, owner);
  for (let index = 0; index < 12; index++) {
    const { tenantId } = await signUp(api);
    await api.sql('insert into stripe_customers (tenant_id, customer_id) values ($1, $2)', [
      tenantId,
      `cus_${index}`,
    ]);
  }
  const started = performance.now();
  for (let index = 0; index < 12; index++) await deliver(index);
  expect((await agent.requestToken()).status).toBe(200);
  // If each waited for Temporal, it would be 24 seconds.
  expect(performance.now() - started).toBeLessThan(20_000);
});
