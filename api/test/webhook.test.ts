import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call } from './support/callers.ts';
import type { Reply } from './support/callers.ts';
import { until } from '../../dev/test/support/until.ts';

const SECRETS = ['whsec_firstSecretOfTheTests', 'whsec_secondSecretOfTheTests'] as const;
/** Nobody listens there: what is stored stays pending. */
const BILLING = {
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  STRIPE_SECRET_KEY: 'sk_test_webhooks',
  STRIPE_API_URL: 'http://127.0.0.1:9',
  STRIPE_WEBHOOK_SECRETS: SECRETS.join(','),
};

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ env: BILLING });
});
afterAll(() => api.close());
beforeEach(() => api.sql('delete from stripe_events'));

const now = (): number => Math.floor(Date.now() / 1_000);

let count = 0;
const newEvent = (changes: object = {}) => ({
  id: `evt_test_${++count}`,
  object: 'event',
  type: 'customer.subscription.updated',
  created: now(),
  livemode: false,
  data: { object: { id: 'sub_1', object: 'subscription', customer: 'cus_1' } },
  ...changes,
});

const sign = (payload: string, { secret = SECRETS[0] as string, timestamp = now() } = {}): string =>
  Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });

const deliver = (
  payload: string | Buffer<ArrayBuffer>,
  signature: string | undefined,
  to: Pick<TestApi, 'url'> = api,
): Promise<Reply> =>
  call(to, '/billing/webhook', {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(signature === undefined ? {} : { 'stripe-signature': signature }),
    },
    body: payload,
  });

const stored = () => api.sql('select id, type, customer_id from stripe_events order by id');

const expectRefused = async (reply: Reply): Promise<void> => {
  expect([reply.status, reply.body.code]).toEqual([400, 'invalid_signature']);
  expect(await stored()).toEqual([]);
};

describe('POST /billing/webhook', () => {
  it('stores who an event is about, and nothing of what it says', async () => {
    const event = newEvent();
    const payload = JSON.stringify(event);
    const reply = await deliver(payload, sign(payload));
    expect([reply.status, reply.body]).toEqual([200, { received: true }]);
    expect(await stored()).toEqual([{ id: event.id, type: event.type, customer_id: 'cus_1' }]);
  });

  it.each([
    ['the customer itself', { id: 'cus_2', object: 'customer' }, 'cus_2'],
    ['an expanded customer', { id: 'in_1', object: 'invoice', customer: { id: 'cus_3' } }, 'cus_3'],
    ['nobody', { id: 'prod_1', object: 'product' }, null],
    ['no customer yet', { id: 'cs_1', object: 'checkout.session', customer: null }, null],
  ])('finds the customer in %s', async (_what, object, customer) => {
    const payload = JSON.stringify(newEvent({ data: { object } }));
    expect((await deliver(payload, sign(payload))).status).toBe(200);
    expect(await stored()).toMatchObject([{ customer_id: customer }]);
  });

  it('A repeated Stripe event is stored once', async () => {
    const payload = JSON.stringify(newEvent());
    const replies = await Promise.all(Array.from({ length: 5 }, () => deliver(payload, sign(payload))));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await stored()).toHaveLength(1);
  });

  it('Two webhook secrets work during a roll', async () => {
    for (const secret of SECRETS) {
      const payload = JSON.stringify(newEvent());
      expect((await deliver(payload, sign(payload, { secret }))).status).toBe(200);
    }
    expect(await stored()).toHaveLength(2);
  });

  it('takes a header with both signatures of a roll, in either order', async () => {
    const payload = JSON.stringify(newEvent());
    const timestamp = now();
    const [, mine = ''] = sign(payload, { timestamp }).split(',');
    const other = `v1=${'0'.repeat(64)}`;
    for (const list of [
      [mine, other],
      [other, mine],
    ]) {
      expect((await deliver(payload, `t=${timestamp},${list.join(',')}`)).status).toBe(200);
    }
  });

  it('takes an event of up to 1 MiB and refuses a larger one unread', async () => {
    const base = newEvent({ data: { object: { object: 'invoice', customer: 'cus_1', text: '' } } });
    const fill = 1024 * 1024 - Buffer.byteLength(JSON.stringify(base));
    const sized = (bytes: number): string =>
      JSON.stringify({ ...base, data: { object: { ...base.data.object, text: 'x'.repeat(bytes) } } });
    const [largest, larger] = [sized(fill), sized(fill + 1)];
    expect((await deliver(largest, sign(largest))).status).toBe(200);
    expect((await deliver(larger, sign(larger))).status).toBe(413);
  });

  it('is not there while billing is switched off', async () => {
    const off = await startApi({ env: { ...BILLING, BILLING_ENABLED: 'false' }, database: api.database });
    const payload = JSON.stringify(newEvent());
    const reply = await deliver(payload, sign(payload), off);
    expect([reply.status, reply.body.code]).toEqual([404, 'billing_disabled']);
    await off.close();
  });
});

describe('A forged Stripe event is refused', () => {
  const payload = JSON.stringify(newEvent());
  const hmac = (text: string, secret: string = SECRETS[0]): string =>
    createHmac('sha256', secret).update(text).digest('hex');
  const at = now();

  it.each<[string, string, string | undefined]>([
    ['no signature', payload, undefined],
    ['an empty signature', payload, ''],
    ['a word', payload, 'valid'],
    ['another secret', payload, sign(payload, { secret: 'whsec_another' })],
    ['the secret without its prefix', payload, sign(payload, { secret: SECRETS[0].slice('whsec_'.length) })],
    ['the secret with a space', payload, sign(payload, { secret: `${SECRETS[0]} ` })],
    ['an empty secret', payload, sign(payload, { secret: '' })],
    ['both secrets joined', payload, sign(payload, { secret: SECRETS.join(',') })],
    ['an altered body', payload.replace('cus_1', 'cus_2'), sign(payload)],
    ['a re-serialised body', JSON.stringify(JSON.parse(payload), null, 2), sign(payload)],
    ['a body with a space after it', `${payload} `, sign(payload)],
    ['a body with a byte order mark before it', `\ufeff${payload}`, sign(payload)],
    ['an empty body', '', sign(payload)],
    ['an empty body, signed by another', '', sign('', { secret: 'whsec_another' })],
    ['another time than the signed one', payload, `t=${at - 1},v1=${hmac(`${at}.${payload}`)}`],
    ['the body alone signed', payload, `t=${at},v1=${hmac(payload)}`],
    ['no time', payload, `v1=${hmac(`${at}.${payload}`)}`],
    ['two times', payload, `t=${at},t=${at},v1=${hmac(`${at}.${payload}`)}`],
    ['a time in words', payload, `t=now,v1=${hmac(`now.${payload}`)}`],
    ['a time with a fraction', payload, `t=${at}.5,v1=${hmac(`${at}.5.${payload}`)}`],
    ['a negative time', payload, `t=-${at},v1=${hmac(`-${at}.${payload}`)}`],
    ['the old scheme alone', payload, `t=${at},v0=${hmac(`${at}.${payload}`)}`],
    ['an unknown scheme', payload, `t=${at},v2=${hmac(`${at}.${payload}`)}`],
    ['no scheme', payload, `t=${at},${hmac(`${at}.${payload}`)}`],
    ['half a signature', payload, `t=${at},v1=${hmac(`${at}.${payload}`).slice(0, 32)}`],
    ['a signature in capitals', payload, `t=${at},v1=${hmac(`${at}.${payload}`).toUpperCase()}`],
    ['many wrong ones', payload, `t=${at},${Array.from({ length: 100 }, (_, i) => `v1=${i}`).join(',')}`],
  ])('%s', async (_what, body, signature) => {
    await expectRefused(await deliver(body, signature));
  });

  it('any event, where no secret is set', async () => {
    const without = await startApi({
      env: { ...BILLING, STRIPE_WEBHOOK_SECRETS: '' },
      database: api.database,
    });
    const body = JSON.stringify(newEvent());
    await expectRefused(await deliver(body, sign(body), without));
    await expectRefused(await deliver(body, sign(body, { secret: '' }), without));
    await without.close();
  });
});

describe('A stale or future Stripe event is refused', () => {
  it.each([
    [-301, 400],
    [-86_400, 400],
    [301, 400],
    [86_400, 400],
    [-290, 200],
    [290, 200],
  ])('%i s from now: %i', async (offset, status) => {
    const payload = JSON.stringify(newEvent());
    const reply = await deliver(payload, sign(payload, { timestamp: now() + offset }));
    expect(reply.status).toBe(status);
    expect(await stored()).toHaveLength(status === 200 ? 1 : 0);
  });

  it('the event of another mode', async () => {
    const body = JSON.stringify(newEvent({ livemode: true }));
    await expectRefused(await deliver(body, sign(body)));
  });
});

/** With text that `JSON.stringify` would escape, or double. */
const replaced = (from: string, to: string): string => JSON.stringify(newEvent()).replace(from, to);
const bytes = (text: string): Buffer<ArrayBuffer> => Buffer.from(text, 'latin1');
const signBytes = (payload: Buffer): string => {
  const timestamp = now();
  const content = Buffer.concat([Buffer.from(`${timestamp}.`), payload]);
  return `t=${timestamp},v1=${createHmac('sha256', SECRETS[0]).update(content).digest('hex')}`;
};

describe('A signed event that cannot be stored is refused', () => {
  it.each<[string, string]>([
    ['no JSON', 'not json'],
    ['null', 'null'],
    ['a list', '[]'],
    ['text', '"text"'],
    ['nothing in it', '{}'],
    ['a byte order mark', `\ufeff${JSON.stringify(newEvent())}`],
    ['an id that is no text', '{"id":1}'],
    ['no data', JSON.stringify(newEvent({ data: null }))],
    ['no mode', JSON.stringify(newEvent({ livemode: undefined }))],
    ['a mode in words', JSON.stringify(newEvent({ livemode: 'false' }))],
    ['a NUL in its id', JSON.stringify(newEvent({ id: 'evt_\0' }))],
    ['a NUL in its type', JSON.stringify(newEvent({ type: 'invoice.paid\0' }))],
    ['half of a character in its id', JSON.stringify(newEvent({ id: 'evt_\ud800' }))],
    ['an id of 256 characters', JSON.stringify(newEvent({ id: 'x'.repeat(256) }))],
    ['a time before 1970', JSON.stringify(newEvent({ created: -1 }))],
    ['a time that no calendar has', replaced('"livemode"', '"created":1e308,"livemode"')],
    ['a time beyond a double', replaced('"livemode"', '"created":1e999,"livemode"')],
    ['objects in each other', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
  ])('%s', async (_what, body) => {
    const { status, body: problem } = await deliver(body, sign(body));
    expect([status, problem.code]).toEqual([400, expect.toBeOneOf(['malformed_json', 'validation_failed'])]);
    expect(problem.detail).toMatch(/^The signature is valid, but /);
    expect(await stored()).toEqual([]);
    const lines = api.logs.filter(({ requestId }) => requestId === problem.requestId);
    expect(lines.map(({ level }) => level)).toEqual([30]);
  });

  it('bytes that are no UTF-8', async () => {
    const body = bytes(JSON.stringify(newEvent({ type: 'a\xff' })));
    await expectRefused(await deliver(body, signBytes(body)));
  });
});

describe('A signed event with odd content is stored and put aside', () => {
  const NUL = '\0';
  it.each<[string, object]>([
    ['a NUL in its customer', { object: 'invoice', customer: `cus_${NUL}` }],
    ['a NUL in the id of its customer', { object: 'invoice', customer: { id: NUL } }],
    ['a NUL in the id of the customer that it is', { object: 'customer', id: NUL }],
    ['half of a character in its customer', { object: 'invoice', customer: '\ud800' }],
    ['a customer of 10,000 characters', { object: 'invoice', customer: 'x'.repeat(10_000) }],
    ['a customer that is a number', { object: 'invoice', customer: 5 }],
    ['a customer whose id is a list', { object: 'invoice', customer: { id: ['cus_1'] } }],
    ['a customer that is true', { object: 'customer', id: true }],
    ['a NUL elsewhere', { object: 'invoice', metadata: { [NUL]: `${NUL}\ud800` } }],
  ])('%s', async (_what, object) => {
    const event = newEvent({ data: { object } });
    const payload = JSON.stringify(event);
    expect((await deliver(payload, sign(payload))).status).toBe(200);
    expect(await stored()).toEqual([{ id: event.id, type: event.type, customer_id: null }]);
  });

  it('and blocks none that comes after it', async () => {
    const odd = JSON.stringify(newEvent({ data: { object: { customer: NUL } } }));
    expect((await deliver(odd, sign(odd))).status).toBe(200);
    const event = newEvent();
    const payload = JSON.stringify(event);
    expect((await deliver(payload, sign(payload))).status).toBe(200);
    expect(await stored()).toHaveLength(2);
    const left = () => api.sql('select id from stripe_events where settled_at is null');
    await until('all are settled', async () => (await left()).length === 0);
  });
});
