import { request } from 'node:http';
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_VERSION } from '../src/wire.ts';
import { startStripe } from './stand-in.ts';
import type { StripeStandIn } from './stand-in.ts';
import { clientOf, createPrice, errorOf, openSession, subscribe } from './journey.ts';

let standIn: StripeStandIn;
let stripe: Stripe;
beforeAll(async () => {
  standIn = await startStripe();
  stripe = clientOf(standIn);
});
afterAll(async () => {
  const violations = await standIn.dev('/violations');
  await standIn.stop();
  expect(violations).toEqual([]);
});

const raw = (path: string, init: RequestInit = {}, key: string | null = 'sk_test_x') =>
  fetch(`${standIn.url}${path}`, {
    ...init,
    headers: { ...(key && { authorization: `Bearer ${key}` }), ...(init.headers as Record<string, string>) },
  });

it('has the API version of the SDK', () => {
  expect(API_VERSION).toBe(Stripe.API_VERSION);
});

describe('Keys', () => {
  it.each(['sk_live_x', 'rk_live_x', 'pk_test_x', 'nothing', 'sk_testing'])('refuses %s', async (key) => {
    const error = await errorOf(clientOf(standIn, key).products.list());
    expect(error).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(error.statusCode).toBe(401);
    expect(error.message).not.toContain(key);
  });

  it('takes Basic and restricted keys, and no request without one', async () => {
    const basic = `Basic ${Buffer.from('rk_test_x:').toString('base64')}`;
    expect((await raw('/v1/products', { headers: { authorization: basic } }, null)).status).toBe(200);
    const answer = await raw('/v1/products', {}, null);
    expect([answer.status, await answer.json()]).toMatchObject([
      401,
      { error: { type: 'invalid_request_error' } },
    ]);
  });

  it('answers to no other name than localhost', async () => {
    const status = await new Promise((resolve) => {
      request(`${standIn.url}/`, { headers: { host: 'evil.example' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).end();
    });
    expect(status).toBe(421);
  });
});

describe('Errors', () => {
  it('an unknown path is a 404 with an error object', async () => {
    const answer = await raw('/v1/nothing');
    expect([answer.status, await answer.json()]).toMatchObject([
      404,
      { error: { type: 'invalid_request_error' } },
    ]);
    expect(answer.headers.get('request-id')).toMatch(/^req_\w+$/);
  });

  it.each([
    ['product', () => stripe.products.retrieve('prod_none')],
    ['price', () => stripe.prices.retrieve('price_none')],
    ['customer', () => stripe.customers.retrieve('__proto__')],
    ['checkout.session', () => stripe.checkout.sessions.retrieve('cs_none')],
    ['subscription', () => stripe.subscriptions.cancel('sub_none')],
    ['invoice', () => stripe.invoices.retrieve('in_none')],
    ['event', () => stripe.events.retrieve('evt_none')],
    ['webhook endpoint', () => stripe.webhookEndpoints.del('we_none')],
    ['configuration', () => stripe.billingPortal.configurations.retrieve('bpc_none')],
  ])('an unknown %s is resource_missing', async (noun, call) => {
    const error = await errorOf(call());
    expect([error.statusCode, error.code]).toEqual([404, 'resource_missing']);
    expect(error.message).toContain(`No such ${noun}`);
  });

  it('an unknown price, customer or product in a parameter names it', async () => {
    const price = await createPrice(stripe);
    const urls = { success_url: 'http://localhost/a', mode: 'subscription' as const };
    const line_items = [{ price: 'price_none', quantity: 1 }];
    expect((await errorOf(stripe.checkout.sessions.create({ ...urls, line_items }))).param).toBe(
      'line_items[0][price]',
    );
    const own = [{ price: price.id, quantity: 1 }];
    const call = stripe.checkout.sessions.create({ ...urls, line_items: own, customer: 'cus_none' });
    expect((await errorOf(call)).param).toBe('customer');
  });
});

describe('Products and prices', () => {
  it('keeps metadata by name, merges it and unsets it', async () => {
    const { id } = await stripe.products.create({ name: 'A', metadata: { 0: 'zero', 1: 'one', two: '2' } });
    const update = { description: 'Text', metadata: { 0: '', three: '3' } };
    expect(await stripe.products.update(id, update)).toMatchObject({
      name: 'A',
      description: 'Text',
      metadata: { 1: 'one', two: '2', three: '3' },
    });
    expect((await stripe.products.update(id, { description: '', metadata: '' })).metadata).toEqual({});
    expect(await stripe.products.retrieve(id)).toMatchObject({ description: null, active: true });
    expect((await stripe.products.update(id, { active: false })).active).toBe(false);
    expect((await stripe.products.list({ active: false })).data.map((one) => one.id)).toEqual([id]);
  });

  it('a lookup key belongs to one price, and moves when asked to', async () => {
    const product = await stripe.products.create({ name: 'B' });
    const make = (unit_amount: number, transfer_lookup_key?: boolean) =>
      stripe.prices.create({
        product: product.id,
        currency: 'usd',
        unit_amount,
        recurring: { interval: 'month' },
        lookup_key: 'the_key',
        ...(transfer_lookup_key && { transfer_lookup_key }),
      });
    const first = await make(100);
    expect((await errorOf(make(200))).param).toBe('lookup_key');
    const second = await make(200, true);
    const listed = await stripe.prices.list({ lookup_keys: ['the_key'], active: true });
    expect(listed.data.map(({ id }) => id)).toEqual([second.id]);
    expect((await stripe.prices.retrieve(first.id)).lookup_key).toBeNull();
    expect((await stripe.prices.list({ product: product.id })).data).toHaveLength(2);
    expect(String(second.unit_amount_decimal)).toBe('200');
  });
});

describe('Lists', () => {
  it('pages, the newest first', async () => {
    const { id: product } = await stripe.products.create({ name: 'Many' });
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      ids.unshift((await stripe.prices.create({ product, currency: 'usd', unit_amount: index })).id);
    }
    const page = await stripe.prices.list({ product, limit: 2 });
    expect([page.object, page.url, page.has_more]).toEqual(['list', '/v1/prices', true]);
    expect(page.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const next = await stripe.prices.list({ product, limit: 3, starting_after: ids[1]! });
    expect([next.data.map(({ id }) => id), next.has_more]).toEqual([ids.slice(2), false]);
    const before = await stripe.prices.list({ product, limit: 2, ending_before: ids[3]! });
    expect([before.data.map(({ id }) => id), before.has_more]).toEqual([ids.slice(1, 3), true]);
    const all = await stripe.prices.list({ product, limit: 2 }).autoPagingToArray({ limit: 100 });
    expect(all.map(({ id }) => id)).toEqual(ids);
    const wrong = await errorOf(stripe.prices.list({ product, starting_after: 'price_none' }));
    expect([wrong.code, wrong.param]).toEqual(['resource_missing', 'starting_after']);
    expect((await errorOf(stripe.prices.list({ limit: 101 }))).statusCode).toBe(400);
  });
});

describe('Customers', () => {
  it('are created, read and changed', async () => {
    const made = await stripe.customers.create({ email: 'a@example.com', metadata: { tenant: 't1' } });
    expect(made.id).toMatch(/^cus_\w{14}$/);
    const changed = await stripe.customers.update(made.id, { name: 'Ada', metadata: { plan: 'paid' } });
    expect(changed).toMatchObject({ name: 'Ada', metadata: { tenant: 't1', plan: 'paid' } });
    expect(await stripe.customers.retrieve(made.id)).toMatchObject({ email: 'a@example.com', name: 'Ada' });
  });
});

describe('Subscriptions and invoices', () => {
  it('a paid session has made both, in the shape of today', async () => {
    const metadata = { tenant: 't1' };
    const { customer, session, subscriptionId } = await subscribe(stripe, {
      subscription_data: { metadata },
    });
    const subscription = await stripe.subscriptions.retrieve(subscriptionId);
    expect(subscription).toMatchObject({ status: 'active', customer: customer.id, metadata });
    const [item] = subscription.items.data;
    const days = (item!.current_period_end - item!.current_period_start) / 86_400;
    expect([28, 29, 30, 31]).toContain(days);
    const [invoice] = (await stripe.invoices.list({ customer: customer.id, expand: ['data.payments'] })).data;
    expect(invoice).toMatchObject({
      id: session.invoice,
      status: 'paid',
      amount_paid: 4_900,
      billing_reason: 'subscription_create',
      parent: { subscription_details: { subscription: subscriptionId, metadata } },
      payments: { data: [{ payment: { type: 'payment_intent' }, status: 'paid' }] },
    });
    expect(subscription.latest_invoice).toBe(invoice!.id);
    expect((await stripe.invoices.list({ subscription: subscriptionId })).data).toHaveLength(1);
    const plain = await stripe.invoices.retrieve(invoice!.id!);
    expect(plain.payments).toBeUndefined();
    const page = await fetch(plain.hosted_invoice_url!);
    expect(await page.text()).toContain(plain.number);
  });

  it('an id is expanded to its object when asked', async () => {
    const { customer, session, subscriptionId: id } = await subscribe(stripe);
    const expand = ['data.default_payment_method', 'data.latest_invoice.payments', 'data.customer'];
    const [subscription] = (await stripe.subscriptions.list({ customer: customer.id, expand })).data;
    expect(subscription).toMatchObject({
      customer: { id: customer.id, email: 'ada@example.com' },
      default_payment_method: { object: 'payment_method', card: { last4: '4242' } },
      latest_invoice: { status: 'paid', customer: customer.id, payments: { data: [{ status: 'paid' }] } },
    });
    const read = await stripe.checkout.sessions.retrieve(session.id, { expand: ['subscription'] });
    expect(read.subscription).toMatchObject({ id, status: 'active', customer: customer.id });
    const plain = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice'] });
    expect(plain.latest_invoice).not.toHaveProperty('payments');
    expect(plain.customer).toBe(customer.id);
  });

  it('a cancellation at the period end is asked for and taken back', async () => {
    const { subscriptionId: id } = await subscribe(stripe);
    const why = { comment: 'Too many agents', feedback: 'too_complex' as const };
    const cancellation = { cancel_at_period_end: true, cancellation_details: why };
    const set = await stripe.subscriptions.update(id, cancellation);
    expect(set).toMatchObject({
      status: 'active',
      cancel_at_period_end: true,
      cancellation_details: { ...why, reason: 'cancellation_requested' },
    });
    expect(set.cancel_at).toBe(set.items.data[0]!.current_period_end);
    const [event] = (await stripe.events.list({ type: 'customer.subscription.updated', limit: 1 })).data;
    expect(event!.data.previous_attributes).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
    const undone = await stripe.subscriptions.update(id, {
      cancel_at_period_end: false,
      metadata: { a: 'b' },
    });
    expect(undone).toMatchObject({ cancel_at_period_end: false, cancel_at: null, metadata: { a: 'b' } });
  });

  it('a list of a customer that is not of this account is refused', async () => {
    const customer = 'cus_ofAnother';
    for (const list of [
      stripe.subscriptions.list({ customer }),
      stripe.invoices.list({ customer }),
      stripe.checkout.sessions.list({ customer }),
    ]) {
      expect(await errorOf(list)).toMatchObject({ code: 'resource_missing', param: 'customer' });
    }
  });

  it('a canceled one is over, and listed only by its status', async () => {
    const { customer, subscriptionId: id } = await subscribe(stripe);
    const canceled = await stripe.subscriptions.cancel(id);
    expect(canceled).toMatchObject({ status: 'canceled', ended_at: expect.any(Number) });
    const list = async (status?: Stripe.SubscriptionListParams.Status) =>
      (await stripe.subscriptions.list({ customer: customer.id, ...(status && { status }) })).data.length;
    expect([await list(), await list('all'), await list('canceled'), await list('active')]).toEqual([
      0, 1, 1, 0,
    ]);
    expect((await errorOf(stripe.subscriptions.cancel(id))).code).toBe('resource_missing');
    const again = stripe.subscriptions.update(id, { cancel_at_period_end: true });
    expect((await errorOf(again)).statusCode).toBe(400);
  });
});

describe('Events', () => {
  it('are listed by type and time, the newest first', async () => {
    const customer = await stripe.customers.create({ name: 'Eve' });
    await stripe.customers.update(customer.id, { name: 'Eva' });
    const { data } = await stripe.events.list({ types: ['customer.updated', 'customer.created'], limit: 2 });
    expect(data.map(({ type }) => type)).toEqual(['customer.updated', 'customer.created']);
    expect(data[1]!.data.object).toMatchObject({ id: customer.id, name: 'Eve' });
    expect(data[0]!.data.previous_attributes).toEqual({ name: 'Eve' });
    expect(data[0]!.request?.id).toMatch(/^req_/);
    expect(await stripe.events.retrieve(data[0]!.id)).toMatchObject({ type: 'customer.updated' });
    const future = Math.floor(Date.now() / 1_000) + 60;
    expect((await stripe.events.list({ created: { gte: future } })).data).toEqual([]);
    expect((await stripe.events.list({ created: { lt: future }, limit: 1 })).data).toHaveLength(1);
    const after = await stripe.events.list({ types: ['customer.*'], ending_before: data[1]!.id });
    expect(after.data.map(({ id }) => id)).toEqual([data[0]!.id]);
  });
});

describe('Portal configurations', () => {
  it('are created, changed and listed', async () => {
    const made = await stripe.billingPortal.configurations.create({
      features: {
        subscription_cancel: { enabled: true, mode: 'at_period_end' },
        invoice_history: { enabled: true },
        payment_method_update: { enabled: true },
      },
      default_return_url: 'http://localhost:3001/usage',
      metadata: { sentryagent: 'portal' },
    });
    expect(made.features.subscription_cancel).toMatchObject({ enabled: true, mode: 'at_period_end' });
    const changed = await stripe.billingPortal.configurations.update(made.id, {
      active: false,
      features: { invoice_history: { enabled: false } },
    });
    expect(changed).toMatchObject({
      active: false,
      features: { invoice_history: { enabled: false }, payment_method_update: { enabled: true } },
    });
    expect(await stripe.billingPortal.configurations.retrieve(made.id)).toMatchObject({ id: made.id });
    expect((await stripe.billingPortal.configurations.list({ active: true })).data).toEqual([]);
  });
});

describe('Idempotency keys', () => {
  it('the same request gets the stored answer', async () => {
    const options = { idempotencyKey: 'same' };
    const first = await stripe.customers.create({ name: 'Once' }, options);
    const second = await stripe.customers.create({ name: 'Once' }, options);
    expect(second.id).toBe(first.id);
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect(second.lastResponse.requestId).not.toBe(first.lastResponse.requestId);
  });

  it('another request is refused', async () => {
    const options = { idempotencyKey: 'other' };
    await stripe.customers.create({ name: 'One' }, options);
    const error = await errorOf(stripe.customers.create({ name: 'Two' }, options));
    expect([error.statusCode, error.rawType]).toEqual([400, 'idempotency_error']);
  });

  it('a refused parameter is not stored', async () => {
    const options = { idempotencyKey: 'mended' };
    const expires_at = Math.floor(Date.now() / 1_000) + 60;
    const price = await createPrice(stripe);
    const create = (rest: object) =>
      stripe.checkout.sessions.create(
        {
          mode: 'subscription',
          line_items: [{ price: price.id, quantity: 1 }],
          success_url: 'http://localhost/a',
          ...rest,
        },
        options,
      );
    expect((await errorOf(create({ expires_at }))).statusCode).toBe(400);
    expect((await create({})).status).toBe('open');
  });

  it('two at once: one is told that the key is in use', async () => {
    const fault = { method: 'POST', path: '/v1/customers', count: 1, delayMs: 500 };
    await standIn.dev('/faults', { method: 'POST', body: JSON.stringify({ failNext: fault }) });
    const options = { idempotencyKey: 'at once' };
    const calls = [1, 2].map(() => stripe.customers.create({ name: 'Twin' }, options));
    const results = await Promise.allSettled(calls);
    const refused = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(refused.reason).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
    const again = await stripe.customers.create({ name: 'Twin' }, options);
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
  });

  it('a request with a key is in the log', async () => {
    await openSession(stripe, {}, { idempotencyKey: 'logged' });
    expect(await standIn.dev('/requests')).toContainEqual({
      method: 'POST',
      path: '/v1/checkout/sessions',
      idempotencyKey: 'logged',
      status: 200,
    });
  });
});
