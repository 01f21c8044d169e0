import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Stripe from 'stripe';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Delivery } from '../src/state.ts';
import { freePort } from '../../src/ports.ts';
import { startStripe } from './stand-in.ts';
import type { StripeStandIn } from './stand-in.ts';
import { clientOf, errorOf, eventually, startReceiver, subscribe } from './journey.ts';
import type { Receiver } from './journey.ts';

const folder = mkdtempSync(join(tmpdir(), 'stripe-webhooks-'));
const dataFile = join(folder, 'state', 'stripe.json');

let standIn: StripeStandIn;
let stripe: Stripe;
let receiver: Receiver;
let endpoint: Stripe.WebhookEndpoint;
beforeAll(async () => {
  receiver = await startReceiver();
  standIn = await startStripe({ dataFile, port: await freePort() });
  stripe = clientOf(standIn);
  endpoint = await stripe.webhookEndpoints.create({
    url: receiver.url,
    enabled_events: ['customer.created', 'customer.subscription.created', 'checkout.session.completed'],
  });
});
afterEach(async () => {
  receiver.answer(200);
  await standIn.dev('/faults', { method: 'DELETE' });
});
afterAll(async () => {
  const violations = await standIn.dev('/violations');
  await standIn.stop();
  await receiver.close();
  rmSync(folder, { recursive: true });
  expect(violations).toEqual([]);
});

const setFaults = (faults: object) =>
  standIn.dev('/faults', { method: 'POST', body: JSON.stringify(faults) });

const receivedFor = (customer: string) =>
  receiver.got.filter(({ event }) => (event.data.object as { id?: string }).id === customer);

const deliveries = async (event: string) =>
  (await standIn.dev<Delivery[]>('/deliveries')).filter((one) => one.event === event);

describe('Webhook endpoints', () => {
  it('tell their secret once', async () => {
    expect(endpoint.secret).toMatch(/^whsec_\w{32}$/);
    expect((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret).toBeUndefined();
    expect((await stripe.webhookEndpoints.list()).data[0]).not.toHaveProperty('secret');
    await eventually(() => existsSync(dataFile), 'the snapshot');
    expect(statSync(dataFile).mode & 0o777).toBe(0o600);
  });

  it('are changed, turned off and deleted', async () => {
    const { id } = await stripe.webhookEndpoints.create({
      url: 'http://localhost:9/x',
      enabled_events: ['*'],
      metadata: { of: 'us' },
    });
    const update = { disabled: true, enabled_events: ['invoice.paid' as const], url: 'http://localhost:9/y' };
    expect(await stripe.webhookEndpoints.update(id, update)).toMatchObject({
      status: 'disabled',
      enabled_events: ['invoice.paid'],
      url: 'http://localhost:9/y',
      metadata: { of: 'us' },
    });
    expect(await stripe.webhookEndpoints.del(id)).toMatchObject({ id, deleted: true });
    expect((await errorOf(stripe.webhookEndpoints.retrieve(id))).code).toBe('resource_missing');
  });
});

describe('Deliveries', () => {
  it('are what was asked for, signed so that the SDK accepts them', async () => {
    const { customer } = await subscribe(stripe);
    // Deliveries arrive in any order.
    const asked = new Set(endpoint.enabled_events);
    await eventually(() => new Set(receiver.types()).size >= asked.size, 'an event of each kind');
    expect(new Set(receiver.types())).toEqual(asked);
    const { body, signature } = receivedFor(customer.id)[0]!;
    const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret!);
    expect(event).toMatchObject({
      type: 'customer.created',
      api_version: Stripe.API_VERSION,
      livemode: false,
    });
    expect(() => stripe.webhooks.constructEvent(body, signature, 'whsec_other')).toThrow();
    expect(() => stripe.webhooks.constructEvent(`${body} `, signature, endpoint.secret!)).toThrow();
  });

  it('are repeated until they are taken', async () => {
    receiver.answer(500);
    const { id } = await stripe.customers.create();
    await eventually(() => receivedFor(id).length === 2, 'a second attempt');
    const [first, second] = receivedFor(id);
    expect(second!.body).toContain(first!.event.id);
    receiver.answer(204);
    await eventually(() => receivedFor(id).length === 3, 'a third attempt');
    const taken = async () => (await deliveries(first!.event.id))[0]!;
    await eventually(async () => (await taken()).nextAt === null, 'the end of it');
    expect(await taken()).toMatchObject({
      attempts: 3,
      lastStatus: 204,
      type: 'customer.created',
      url: receiver.url,
    });
    expect((await stripe.events.retrieve(first!.event.id)).pending_webhooks).toBe(0);
  });

  it('survive a restart, and so does all else', async () => {
    receiver.answer(503);
    const { id } = await stripe.customers.create({ email: 'kept@example.com' }, { idempotencyKey: 'kept' });
    await eventually(() => receivedFor(id).length === 1, 'the first attempt');
    await standIn.stop();
    receiver.answer(200);
    standIn = await startStripe({ dataFile, port: standIn.port });
    await eventually(() => receivedFor(id).length === 2, 'the attempt after the restart');
    expect(await stripe.customers.retrieve(id)).toMatchObject({ email: 'kept@example.com' });
    const replayed = await stripe.customers.create({ email: 'kept@example.com' }, { idempotencyKey: 'kept' });
    expect(replayed.id).toBe(id);
  });

  it('what is 200 ms old survives a power cut', async () => {
    const { id } = await stripe.customers.create();
    await eventually(() => readFileSync(dataFile, 'utf8').includes(id), 'the snapshot');
    await standIn.kill();
    standIn = await startStripe({ dataFile, port: standIn.port });
    expect((await stripe.customers.retrieve(id)).id).toBe(id);
  });
});

describe('Faults of deliveries', () => {
  it('dropped ones never come, and say so', async () => {
    await setFaults({ dropWebhooks: 1 });
    const lost = await stripe.customers.create();
    const next = await stripe.customers.create();
    await eventually(() => receivedFor(next.id).length === 1, 'the next one');
    expect(receivedFor(lost.id)).toEqual([]);
    const [event] = (await stripe.events.list({ type: 'customer.created', limit: 2 })).data.slice(1);
    expect(await deliveries(event!.id)).toMatchObject([{ attempts: 0, lastStatus: 'dropped by a fault' }]);
    await setFaults({ dropWebhooks: true });
    await stripe.customers.create();
    const { id } = await stripe.customers.create();
    const [last] = (await stripe.events.list({ limit: 1 })).data;
    expect(await deliveries(last!.id)).toMatchObject([{ lastStatus: 'dropped by a fault' }]);
    expect(receivedFor(id)).toEqual([]);
  });

  it('doubled ones come twice', async () => {
    await setFaults({ duplicateWebhooks: 1 });
    const { id } = await stripe.customers.create();
    await eventually(() => receivedFor(id).length === 2, 'both');
    const [first, second] = receivedFor(id);
    expect(second!.event.id).toBe(first!.event.id);
  });

  it('delayed ones come later', async () => {
    await setFaults({ delayWebhooksMs: 600 });
    const started = Date.now();
    const { id } = await stripe.customers.create();
    await eventually(() => receivedFor(id).length === 1, 'the delivery');
    expect(Date.now() - started).toBeGreaterThanOrEqual(600);
  });
});
