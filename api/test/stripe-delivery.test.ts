import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Temporal } from '../src/platform/temporal.ts';
import { deliverStripeEvents } from '../src/services/billing/events/deliver-stripe-events.ts';
import { pollStripeEvents } from '../src/services/billing/events/poll-stripe-events.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

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
  const customer = async (): Promise<string> => {
    const { tenantId } = await signUp(api);
    await api.sql('insert into stripe_customers (tenant_id, customer_id) values ($1, $1)', [tenantId]);
    return tenantId;
  };
  const store = (customerId: string, count: number) =>
    api.sql(
      `insert into stripe_events (id, type, customer_id, created_at)
       select 'evt_' || $1 || '_' || n, 'invoice.paid', $1, now() from generate_series(1, $2::int) n`,
      [customerId, count],
    );
  const pendingOf = async (customerId: string) =>
    (
      await api.sql('select id from stripe_events where customer_id = $1 and settled_at is null', [
        customerId,
      ])
    ).length;

  it.each<[string, number, () => Promise<unknown>]>([
    ['with more events than a batch takes', 120, () => Promise.reject(new Error('too many signals'))],
    ['by never taking a signal', 1, () => new Promise(() => {})],
  ])('%s', async (_how, count, trouble) => {
    const [wedged, other] = [await customer(), await customer()];
    await store(wedged, count);
    await store(other, 1);
    const { temporal, nudged } = troubled(wedged, trouble);
    const deps = { ...api.deps, temporal, stripe: {} as Stripe };
    await expect(deliverStripeEvents(deps)).rejects.toThrow(/signals|8000 ms/);
    expect(nudged).toEqual([`subscription/${other}`]);
    expect([await pendingOf(wedged), await pendingOf(other)]).toEqual([count, 0]);
    await api.sql('delete from stripe_events');
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
