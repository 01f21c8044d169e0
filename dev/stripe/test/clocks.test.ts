import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CARD, advanceTo, clientOf, errorOf, openSession, startReceiver, submit } from './journey.ts';
import { startStripe } from './stand-in.ts';
import type { StripeStandIn } from './stand-in.ts';

const DAY = 86_400;
const HOUR = 3_600;
const START = Date.UTC(2030, 0, 31, 12) / 1_000;
const FAILS_LATER = '4000 0000 0000 0341';

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

/** A subscription of a customer with a clock of its own. */
const begin = async ({ cardNumber = CARD.cardNumber, trialDays = 0 } = {}) => {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START });
  const customer = await stripe.customers.create({ email: 'ada@example.com', test_clock: clock.id });
  const session = await openSession(stripe, {
    customer: customer.id,
    ...(trialDays && { subscription_data: { trial_period_days: trialDays } }),
  });
  await submit(session.url!, { ...CARD, cardNumber });
  const { subscription } = await stripe.checkout.sessions.retrieve(session.id);
  const id = String(subscription);
  return {
    clock: clock.id,
    customer: customer.id,
    id,
    to: (seconds: number) => advanceTo(stripe, clock.id, seconds),
    read: () => stripe.subscriptions.retrieve(id),
    invoices: async () => (await stripe.invoices.list({ subscription: id, expand: ['data.payments'] })).data,
    types: async () => {
      const { data } = await stripe.events.list({ limit: 100 });
      const own = data.filter(
        ({ data: { object } }) => 'customer' in object && object.customer === customer.id,
      );
      return own.map(({ type }) => type).toReversed();
    },
  };
};

describe('A test clock', () => {
  it('is created, advanced and deleted with its customers', async () => {
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START, name: 'mine' });
    expect(clock).toMatchObject({ frozen_time: START, name: 'mine', status: 'ready', livemode: false });
    const customer = await stripe.customers.create({ test_clock: clock.id });
    expect(customer).toMatchObject({ test_clock: clock.id, created: START });
    const { testClocks } = stripe.testHelpers;
    const asked = await testClocks.advance(clock.id, { frozen_time: START + DAY });
    expect(asked).toMatchObject({
      status: 'advancing',
      status_details: { advancing: { target_frozen_time: START + DAY } },
    });
    expect((await errorOf(testClocks.advance(clock.id, { frozen_time: START + 2 * DAY }))).statusCode).toBe(
      400,
    );
    await expect.poll(async () => (await testClocks.retrieve(clock.id)).status).toBe('ready');
    expect((await testClocks.list()).data.map(({ id }) => id)).toContain(clock.id);
    expect((await testClocks.retrieve(clock.id)).frozen_time).toBe(START + DAY);
    const [event] = (await stripe.events.list({ type: 'test_helpers.test_clock.ready', limit: 1 })).data;
    expect(event!.data.object).toMatchObject({ id: clock.id, frozen_time: START + DAY });
    expect(await testClocks.del(clock.id)).toMatchObject({ deleted: true });
    expect((await errorOf(stripe.customers.retrieve(customer.id))).code).toBe('resource_missing');
  });

  it('goes forward only, and no further than two periods', async () => {
    const { clock } = await begin();
    const to = (frozen_time: number) =>
      errorOf(stripe.testHelpers.testClocks.advance(clock, { frozen_time }));
    expect((await to(START)).param).toBe('frozen_time');
    expect((await to(START + 63 * DAY)).message).toContain('two intervals');
  });

  it('hides what it has from lists without its customer', async () => {
    const { clock, customer, id } = await begin();
    const ids = async (params: Stripe.SubscriptionListParams) =>
      (await stripe.subscriptions.list({ limit: 100, ...params })).data.map((one) => one.id);
    expect(await ids({})).not.toContain(id);
    expect(await ids({ customer })).toEqual([id]);
    expect(await ids({ test_clock: clock })).toEqual([id]);
    const listed = await stripe.customers.list({ test_clock: clock });
    expect(listed.data.map((one) => one.id)).toEqual([customer]);
  });
});

describe('A renewal', () => {
  it('is a draft for an hour, then paid by the card', async () => {
    const { id, to, read, invoices } = await begin();
    const first = (await read()).items.data[0]!;
    expect(first.current_period_end).toBe(Date.UTC(2030, 1, 28, 12) / 1_000);
    await to(first.current_period_end + 60);
    const [draft] = await invoices();
    expect(draft).toMatchObject({
      status: 'draft',
      billing_reason: 'subscription_cycle',
      attempted: false,
      attempt_count: 0,
      automatically_finalizes_at: first.current_period_end + HOUR,
      period_start: START,
      period_end: first.current_period_end,
      status_transitions: { finalized_at: null },
    });
    const renewed = await read();
    expect(renewed).toMatchObject({ status: 'active', latest_invoice: draft!.id });
    expect(renewed.items.data[0]).toMatchObject({
      current_period_start: first.current_period_end,
      current_period_end: Date.UTC(2030, 2, 31, 12) / 1_000,
    });
    await to(first.current_period_end + HOUR);
    const [paid] = await invoices();
    expect(paid).toMatchObject({
      id: draft!.id,
      status: 'paid',
      amount_paid: 4_900,
      attempt_count: 1,
      next_payment_attempt: null,
      status_transitions: { finalized_at: first.current_period_end + HOUR },
      payments: { data: [{ status: 'paid', amount_paid: 4_900, payment: { type: 'payment_intent' } }] },
      parent: { subscription_details: { subscription: id } },
    });
    const payment_intent = String(paid!.payments!.data[0]!.payment.payment_intent);
    const charges = await stripe.charges.list({ payment_intent });
    expect(charges.data).toMatchObject([
      { status: 'succeeded', amount: 4_900, payment_intent, disputed: false },
    ]);
    expect(await stripe.charges.retrieve(charges.data[0]!.id)).toMatchObject({ amount_refunded: 0 });
  });

  it('names its card', async () => {
    const { customer, read } = await begin();
    const { default_payment_method: method } = await read();
    const listed = await stripe.customers.listPaymentMethods(customer, { type: 'card' });
    expect(listed.data.map(({ id }) => id)).toEqual([method]);
    expect((await stripe.paymentMethods.retrieve(String(method))).card).toMatchObject({
      brand: 'visa',
      last4: '4242',
      exp_month: 12,
      exp_year: 2040,
    });
  });

  it('is previewed', async () => {
    const { customer, id, read } = await begin();
    const [item] = (await read()).items.data;
    const next = await stripe.invoices.createPreview({ subscription: id });
    expect(next).toMatchObject({
      amount_due: 4_900,
      currency: 'usd',
      next_payment_attempt: item!.current_period_end + HOUR,
      lines: { data: [{ period: { start: item!.current_period_end } }] },
    });
    const items = [{ id: item!.id, quantity: 2 }];
    const two = await stripe.invoices.createPreview({ subscription: id, subscription_details: { items } });
    expect(two.amount_due).toBe(9_800);
    expect((await stripe.invoices.createPreview({ customer })).amount_due).toBe(4_900);
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    const none = await errorOf(stripe.invoices.createPreview({ subscription: id }));
    expect(none.code).toBe('invoice_upcoming_none');
  });

  it('of another price and quantity is charged at these', async () => {
    const { id, to, read, invoices } = await begin();
    const { items } = await read();
    const [item] = items.data;
    const product = String(item!.price.product);
    const recurring = { interval: 'month' as const };
    const price = await stripe.prices.create({ product, currency: 'usd', unit_amount: 2_000, recurring });
    const change = [{ id: item!.id, price: price.id, quantity: 3 }];
    const changed = await stripe.subscriptions.update(id, { items: change, proration_behavior: 'none' });
    expect(changed.items.data[0]).toMatchObject({ id: item!.id, quantity: 3, price: { id: price.id } });
    await to(item!.current_period_end + HOUR);
    expect((await invoices())[0]).toMatchObject({ status: 'paid', amount_paid: 6_000 });
  });

  it('does not come after the subscription was told to end', async () => {
    const { id, to, read, invoices, types } = await begin();
    const set = await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await to(set.cancel_at!);
    expect(await read()).toMatchObject({
      status: 'canceled',
      ended_at: set.cancel_at,
      cancellation_details: { reason: 'cancellation_requested' },
    });
    expect(await invoices()).toHaveLength(1);
    expect((await types()).at(-1)).toBe('customer.subscription.deleted');
  });
});

describe('A trial', () => {
  it('is announced three days before its end, and then charged', async () => {
    const { to, read, invoices, types } = await begin({ trialDays: 14 });
    await to(START + 11 * DAY - 1);
    expect(await types()).not.toContain('customer.subscription.trial_will_end');
    for (const days of [11, 12]) {
      await to(START + days * DAY);
      const announced = (await types()).filter((type) => type === 'customer.subscription.trial_will_end');
      expect(announced).toHaveLength(1);
    }
    await to(START + 14 * DAY);
    expect((await read()).status).toBe('active');
    await to(START + 14 * DAY + HOUR);
    expect((await invoices()).map(({ status, amount_paid }) => [status, amount_paid])).toEqual([
      ['paid', 4_900],
      ['paid', 0],
    ]);
  });
});

describe('A payment that fails', () => {
  it('is tried again after 3, 5 and 7 days, and then the subscription is canceled', async () => {
    const { to, read, invoices, types } = await begin({ cardNumber: FAILS_LATER, trialDays: 14 });
    let at = START + 14 * DAY + HOUR;
    const finalizedAt = at;
    for (const [index, days] of [3, 5, 7].entries()) {
      await to(at);
      expect((await read()).status).toBe('past_due');
      expect((await invoices())[0]).toMatchObject({
        status: 'open',
        attempted: true,
        attempt_count: index + 1,
        next_payment_attempt: at + days * DAY,
        status_transitions: { finalized_at: finalizedAt },
      });
      at += days * DAY;
    }
    await to(at);
    expect(await read()).toMatchObject({
      status: 'canceled',
      ended_at: at,
      cancellation_details: { reason: 'payment_failed' },
    });
    expect((await invoices())[0]).toMatchObject({
      status: 'open',
      attempt_count: 4,
      next_payment_attempt: null,
    });
    expect((await types()).filter((type) => type === 'invoice.payment_failed')).toHaveLength(4);
    const [charge] = (await stripe.charges.list({ customer: (await read()).customer as string })).data;
    expect(charge).toMatchObject({ status: 'failed', failure_code: 'card_declined' });
  });

  it('is paid by hand, with a card that works', async () => {
    const { id, customer, to, read, invoices } = await begin({ cardNumber: FAILS_LATER, trialDays: 14 });
    await to(START + 14 * DAY + HOUR);
    const [open] = await invoices();
    const refused = await errorOf(stripe.invoices.pay(open!.id!));
    expect([refused.statusCode, refused.code]).toEqual([402, 'card_declined']);
    expect((await invoices())[0]).toMatchObject({
      attempt_count: 1,
      next_payment_attempt: open!.next_payment_attempt,
    });
    const better = await begin();
    const [method] = (await stripe.customers.listPaymentMethods(better.customer)).data;
    await stripe.subscriptions.update(id, { default_payment_method: method!.id });
    expect(await stripe.invoices.pay(open!.id!)).toMatchObject({ status: 'paid', amount_remaining: 0 });
    expect((await read()).status).toBe('active');
    expect((await errorOf(stripe.invoices.pay(open!.id!))).message).toContain('already paid');
    expect((await stripe.invoices.list({ customer, status: 'open' })).data).toEqual([]);
  });
});

describe('The clock of all customers', () => {
  it('keeps its lead over a restart, which an advance survives too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stripe-clocks-'));
    const dataFile = join(folder, 'stripe.json');
    let own = await startStripe({ dataFile });
    try {
      await own.dev('/advance?days=10', { method: 'POST' });
      const { testClocks } = clientOf(own).testHelpers;
      const clock = await testClocks.create({ frozen_time: START });
      await testClocks.advance(clock.id, { frozen_time: START + DAY });
      await own.stop();
      own = await startStripe({ dataFile });
      const read = clientOf(own).testHelpers.testClocks;
      const { data } = await read.list();
      expect(data.map(({ frozen_time: now, status }) => [now, status])).toEqual([
        [START + DAY, 'ready'],
        [expect.any(Number), 'ready'],
      ]);
      expect(Math.abs(data[1]!.frozen_time - (Date.now() / 1_000 + 10 * DAY))).toBeLessThan(60);
    } finally {
      await own.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('A year of renewals takes less than a minute', async () => {
    const own = await startStripe();
    const receiver = await startReceiver();
    try {
      const local = clientOf(own);
      await local.webhookEndpoints.create({ url: receiver.url, enabled_events: ['invoice.paid'] });
      const customer = await local.customers.create({ email: 'year@example.com' });
      const session = await openSession(local, { customer: customer.id });
      await submit(session.url!, CARD);
      const before = Date.now();
      for (let month = 0; month < 12; month += 1) {
        const { events } = await own.dev<{ events: { type: string }[] }>('/advance?days=31', {
          method: 'POST',
        });
        expect(events.map(({ type }) => type)).toContain('invoice.paid');
      }
      const renewals = (await local.invoices.list({ customer: customer.id, limit: 100 })).data.filter(
        ({ billing_reason: reason }) => reason === 'subscription_cycle',
      );
      expect(renewals.map(({ status }) => status)).toEqual(Array(12).fill('paid'));
      const { test_clock: clock } = (await local.customers.retrieve(customer.id)) as Stripe.Customer;
      const { frozen_time: now } = await local.testHelpers.testClocks.retrieve(String(clock));
      expect(Math.abs(now - (before / 1_000 + 12 * 31 * DAY))).toBeLessThan(60);
      const { data } = await local.subscriptions.list();
      expect(data).toMatchObject([{ status: 'active', test_clock: clock }]);
      expect(await local.customers.create()).toMatchObject({ test_clock: clock });
      await expect.poll(() => receiver.got.length).toBe(13);
      expect(await own.dev('/violations')).toEqual([]);
    } finally {
      await receiver.close();
      await own.stop();
    }
  });
});
