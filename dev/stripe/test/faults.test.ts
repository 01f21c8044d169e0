import Stripe from 'stripe';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startStripe } from './stand-in.ts';
import type { StripeStandIn } from './stand-in.ts';
import { clientOf, errorOf, subscribe } from './journey.ts';

let standIn: StripeStandIn;
let stripe: Stripe;
beforeAll(async () => {
  standIn = await startStripe();
  stripe = clientOf(standIn);
});
afterEach(() => standIn.dev('/faults', { method: 'DELETE' }));
afterAll(async () => {
  const violations = await standIn.dev('/violations');
  await standIn.stop();
  expect(violations).toEqual([]);
});

const control = (path: string, init: RequestInit) => fetch(`${standIn.url}/_dev${path}`, init);
const failNext = (fault: object) =>
  standIn.dev('/faults', {
    method: 'POST',
    body: JSON.stringify({ failNext: { method: 'POST', path: '/v1/customers', count: 1, ...fault } }),
  });

const count = async (): Promise<number> => {
  const { data } = await stripe.events.list({ type: 'customer.created', limit: 100 });
  return data.length;
};

describe('Faults of requests', () => {
  it('the next ones fail, as often as asked', async () => {
    await failNext({ status: 500, count: 2 });
    const before = await count();
    for (let index = 0; index < 2; index += 1) {
      expect((await errorOf(stripe.customers.create())).statusCode).toBe(500);
    }
    expect((await stripe.customers.create()).id).toMatch(/^cus_/);
    expect(await count()).toBe(before + 1);
  });

  it('other methods and paths go on', async () => {
    await failNext({ status: 500 });
    expect((await stripe.products.list()).data).toEqual([]);
  });

  it('a 500 is what its key is answered from then on', async () => {
    await failNext({ status: 500 });
    const options = { idempotencyKey: 'spoiled' };
    expect((await errorOf(stripe.customers.create({}, options))).statusCode).toBe(500);
    const replayed = await errorOf(stripe.customers.create({}, options));
    expect(replayed.statusCode).toBe(500);
    expect(replayed.headers?.['idempotent-replayed']).toBe('true');
  });

  it('a 429 is not', async () => {
    await failNext({ status: 429 });
    const options = { idempotencyKey: 'hurried' };
    expect(await errorOf(stripe.customers.create({}, options))).toBeInstanceOf(
      Stripe.errors.StripeRateLimitError,
    );
    expect((await stripe.customers.create({}, options)).id).toMatch(/^cus_/);
  });

  it('applied, then cut: the same key finds it done', async () => {
    // Whatever maxNetworkRetries says, stripe-node asks once more where a connection was closed.
    await failNext({ cut: true, count: 2 });
    const before = await count();
    const options = { idempotencyKey: 'cut' };
    const error = await errorOf(stripe.customers.create({ name: 'Cut' }, options));
    expect(error).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    const { lastResponse } = await stripe.customers.create({ name: 'Cut' }, options);
    expect(lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(await count()).toBe(before + 1);
  });

  it('answers late', async () => {
    await failNext({ delayMs: 400 });
    const started = performance.now();
    await stripe.customers.create();
    // A timer may fire a millisecond early.
    expect(performance.now() - started).toBeGreaterThan(398);
  });

  it.each(['[1]', 'nothing', '{"dropWebhooks":"all"}', '{"unknown":1}', '{"failNext":{"count":1}}', 'null'])(
    'refuses %s',
    async (body) => {
      const answer = await control('/faults', { method: 'POST', body });
      expect([answer.status, await answer.json()]).toEqual([400, { error: expect.any(String) }]);
    },
  );
});

describe('Controls', () => {
  it('are no web page’s', async () => {
    const headers = { origin: 'http://evil.example' };
    expect((await control('/faults', { method: 'POST', headers, body: '{}' })).status).toBe(403);
    expect((await control('/violations', { headers })).status).toBe(403);
    expect((await control('/nothing', {})).status).toBe(404);
  });

  it('say that it is up', async () => {
    expect(await standIn.dev('/health')).toEqual({ status: 'ok' });
  });

  it('show a developer what there is', async () => {
    const { customer, subscriptionId } = await subscribe(stripe);
    const text = await (await fetch(`${standIn.url}/`)).text();
    for (const words of ['Local stand-in for Stripe. No money moves.', customer.id, subscriptionId]) {
      expect(text).toContain(words);
    }
  });
});
