import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Temporal } from '../src/platform/temporal.ts';
import { deliverStripeEvents } from '../src/services/billing/events/deliver-stripe-events.ts';
import { pollStripeEvents } from '../src/services/billing/events/poll-stripe-events.ts';
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

/** A Temporal whose signals to the workflows of one tenant go as they are told to. */
const troubled = (tenantId: string, trouble: () => Promise<unknown>) => {
  const nudged: string[] = [];
  const getHandle = (workflowId: string) => ({
    signal: async () => {
      if (workflowId.includes(tenantId)) await trouble();
      nudged.push(workflowId);
    },
  });
  const temporal = {
    within: (_ms: number, call: (client: object) => Promise<unknown>) => call({ workflow: { getHandle } }),
  } as unknown as Temporal;
  return { temporal, nudged };
};

describe('a tenant that cannot be nudged keeps no other waiting', () => {
  let bare: TestApi;
  beforeAll(async () => {
    bare = await startApi();
  });
  afterAll(() => bare.close());

  const customer = async (): Promise<string> => {
    const { tenantId } = await signUp(bare);
    await bare.sql('insert into stripe_customers (tenant_id, customer_id) values ($1, $1)', [tenantId]);
    return tenantId;
  };
  const store = (customerId: string, count: number) =>
    bare.sql(
      `insert into stripe_events (id, type, customer_id, created_at)
       select 'evt_' || $1 || '_' || n, 'invoice.paid', $1, now() from generate_series(1, $2::int) n`,
      [customerId, count],
    );
  const pendingOf = async (customerId: string) =>
    (
      await bare.sql('select id from stripe_events where customer_id = $1 and settled_at is null', [
        customerId,
      ])
    ).length;

  it.each<[string, number, () => Promise<unknown>]>([
    ['with more events than a batch takes', 120, () => Promise.reject(new Error('too many signals'))],
    ['by taking longer than a transaction lasts', 1, () => wait(11_000)],
  ])('%s', async (_how, count, trouble) => {
    const [wedged, other] = [await customer(), await customer()];
    await store(wedged, count);
    await store(other, 1);
    const { temporal, nudged } = troubled(wedged, trouble);
    const deps = { ...bare.deps, temporal, stripe: {} as Stripe };
    await expect(deliverStripeEvents(deps)).rejects.toThrow(/signals|8000 ms/);
    expect(nudged).toEqual([`subscription/${other}`]);
    expect([await pendingOf(wedged), await pendingOf(other)]).toEqual([count, 0]);
    await bare.sql('delete from stripe_events');
  });
});

it('a list that breaks off is asked for again from its beginning', async () => {
  await api.sql('delete from stripe_events');
  const now = new Date();
  const event = (id: string, ageSeconds: number) => ({
    id,
    type: 'invoice.paid',
    created: Math.floor(now.getTime() / 1_000) - ageSeconds,
    data: { object: { object: 'invoice', customer: 'cus_1' } },
  });
  const asked: number[] = [];
  const list = (breaksOff: boolean) =>
    ({
      events: {
        // Stripe lists the newest first.
        list: async function* ({ created }: { created: { gte: number } }) {
          asked.push(created.gte);
          yield event('evt_new', 10);
          if (breaksOff) throw new Error('Stripe is away');
          yield event('evt_old', 600);
        },
      },
    }) as unknown as Stripe;
  await expect(pollStripeEvents(api.deps.db, list(true), now)).rejects.toThrow('away');
  await pollStripeEvents(api.deps.db, list(false), now);
  expect(asked[1]).toBe(asked[0]);
  expect(await api.sql('select id from stripe_events order by id')).toEqual([
    { id: 'evt_new' },
    { id: 'evt_old' },
  ]);
});
