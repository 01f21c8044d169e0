import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseForm } from '../src/form.ts';
import { openSchema } from '../src/schema.ts';
import { bareEnvironment } from '../../test/support/bare-environment.ts';
import { startStripe } from './stand-in.ts';
import type { StripeStandIn } from './stand-in.ts';
import { clientOf, errorOf, openSession } from './journey.ts';

const file = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const SCHEMA = file('./fixtures/stripe-openapi.json');

let standIn: StripeStandIn;
let stripe: Stripe;
beforeAll(async () => {
  standIn = await startStripe();
  stripe = clientOf(standIn);
});
afterAll(() => standIn.stop());

const violations = () => standIn.dev<string[]>('/violations');

/** A call that the SDK's types refuse as well. */
const wrong = <T>(value: unknown): T => value as T;

describe('What Stripe’s schema refuses is refused, and kept', () => {
  it.each([
    ['an unknown nested parameter', { subscription_data: { trial_days: 3 } }, 'trial_days'],
    ['a wrong enum value', { mode: 'subscribe' }, '/mode'],
    ['a wrong type', { expires_at: 'tomorrow' }, '/expires_at'],
    ['an object for a list', { line_items: { price: 'p' } }, '/line_items'],
  ])('%s', async (_what, params, words) => {
    const before = (await violations()).length;
    const error = await errorOf(openSession(stripe, wrong(params)));
    expect([error.statusCode, error.rawType]).toEqual([500, 'api_error']);
    expect(error.message).toContain('POST /v1/checkout/sessions');
    expect(error.message).toContain(words);
    expect((await violations()).slice(before)).toEqual([error.message]);
  });

  it('an unknown parameter of the top level is answered as Stripe does', async () => {
    const before = (await violations()).length;
    const error = await errorOf(stripe.customers.create(wrong({ nickname: 'Ada' })));
    expect(error).toMatchObject({
      statusCode: 400,
      rawType: 'invalid_request_error',
      code: 'parameter_unknown',
      param: 'nickname',
      message: 'Received unknown parameter: nickname',
    });
    const query = await errorOf(stripe.prices.list(wrong({ name: 'Ada' })));
    expect([query.statusCode, query.code]).toEqual([400, 'parameter_unknown']);
    expect(await violations()).toHaveLength(before + 2);
  });

  it('a missing one too', async () => {
    const error = await errorOf(stripe.products.create(wrong({ description: 'No name' })));
    expect([error.statusCode, error.code, error.param]).toEqual([400, 'parameter_missing', 'name']);
  });

  it('what Stripe has and the stand-in has not is no violation, and not ignored', async () => {
    const before = (await violations()).length;
    const error = await errorOf(openSession(stripe, { allow_promotion_codes: true }));
    expect([error.statusCode, error.message]).toEqual([500, expect.stringContaining('does not do this')]);
    expect(await violations()).toHaveLength(before);
  });

  it('what it cannot expand is refused', async () => {
    for (const expand of [['data.items.data.price.product'], ['data.nothing']]) {
      const error = await errorOf(stripe.subscriptions.list({ expand }));
      expect([error.statusCode, error.param]).toEqual([400, 'expand']);
    }
  });
});

describe('The schema', () => {
  const schema = openSchema(SCHEMA);

  it('refuses an answer with a field more, a field less or a wrong value', () => {
    const operation = 'delete /v1/webhook_endpoints/{webhook_endpoint}';
    const deleted = { id: 'we_1', object: 'webhook_endpoint', deleted: true };
    expect(schema.answer(operation, 200, deleted)).toBeUndefined();
    expect(schema.answer(operation, 200, { ...deleted, secret: 'x' })).toContain('secret');
    expect(schema.answer(operation, 200, { id: 'we_1' })).toContain('required');
    expect(schema.answer(operation, 200, { ...deleted, deleted: false })).toContain('/deleted');
    expect(schema.answer(operation, 404, { error: { type: 'none', message: 'x' } })).toContain('/error/type');
  });

  it('refuses an event whose object is wrong', () => {
    const event = {
      ...{ id: 'evt_1', object: 'event', created: 1, livemode: false, pending_webhooks: 0, type: 'x' },
      data: { object: { object: 'customer', id: 'cus_1', created: 1, livemode: false } },
    };
    expect(schema.event(event)).toBeUndefined();
    const data = { object: { ...event.data.object, plan: 'paid' } };
    expect(schema.event({ ...event, data })).toContain('plan');
  });

  it('refuses an operation that it does not have', () => {
    expect(schema.request('post /v1/charges', {})).toBeDefined();
    expect(schema.request('get /v1/prices', parseForm('lookup_keys[0]=a&active=true'))).toBeUndefined();
  });
});

describe('Forms', () => {
  it('are read as Stripe reads them', () => {
    const form = parseForm(
      'a[b][0][c]=1&a[b][1][c]=x+y%20z&list[]=1&list[]=2&empty=',
      'm[0]=zero&__proto__[x]=1',
    );
    expect(JSON.parse(JSON.stringify(form))).toEqual(
      JSON.parse(
        `{"a":{"b":{"0":{"c":"1"},"1":{"c":"x y z"}}},"list":{"0":"1","1":"2"},"empty":"",
          "m":{"0":"zero"},"__proto__":{"x":"1"}}`,
      ),
    );
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe('Settings', () => {
  it('Every wrong setting is named at once', () => {
    const env = { ...bareEnvironment, STRIPE_PORT: 'canary', STRIPE_SCHEMA: '/nowhere/schema.json' };
    const { status, stderr } = spawnSync(process.execPath, [file('../src/main.ts')], { env });
    expect(status).toBe(78);
    expect(String(stderr)).toMatch(/STRIPE_PORT .*\n.*STRIPE_SCHEMA /);
  });
});
