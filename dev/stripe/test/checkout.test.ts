import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStripe } from './stand-in.ts';
import type { StripeStandIn } from './stand-in.ts';
import { CANCEL_URL, CARD, clientOf, errorOf, openSession, submit } from './journey.ts';

const folder = mkdtempSync(join(tmpdir(), 'stripe-checkout-'));
const dataFile = join(folder, 'stripe.json');

let standIn: StripeStandIn;
let stripe: Stripe;
beforeAll(async () => {
  standIn = await startStripe({ dataFile });
  stripe = clientOf(standIn);
});
afterAll(async () => {
  const violations = await standIn.dev('/violations');
  await standIn.stop();
  rmSync(folder, { recursive: true });
  expect(violations).toEqual([]);
});

const show = async (url: string): Promise<{ status: number; text: string; headers: Headers }> => {
  const answer = await fetch(url);
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
};

const pageUrl = ({ id }: { id: string }): string => `http://localhost:${standIn.port}/c/pay/${id}`;

const subscriptionsOf = async (session: Stripe.Checkout.Session): Promise<number> => {
  const { customer } = await stripe.checkout.sessions.retrieve(session.id);
  return (await stripe.subscriptions.list({ customer: String(customer), status: 'all' })).data.length;
};

describe('The page', () => {
  it('says what is sold, and what it is', async () => {
    const session = await openSession(stripe);
    expect(session.url).toBe(pageUrl(session));
    const { status, text, headers } = await show(session.url!);
    expect(status).toBe(200);
    for (const words of [
      'Local stand-in for Stripe. No money moves.',
      'SentryAgent Paid',
      '$49.00',
      'per month',
    ]) {
      expect(text).toContain(words);
    }
    expect(text).toContain('Pay and subscribe');
    expect(text).toContain(`href="${CANCEL_URL}"`);
    expect(text).toContain('<html lang="en">');
    const policy = headers.get('content-security-policy');
    expect(policy).toMatch(/default-src 'none'.*form-action 'self' http:\/\/localhost:3001/);
    const ids = [...text.matchAll(/<input\s+id="(\w+)"/g)].map(([, id]) => id);
    expect(ids).toEqual(['email', 'cardNumber', 'expiry', 'cvc', 'name']);
    for (const id of ids) expect(text).toContain(`<label for="${id}">`);
  });

  it('asks no email of a customer who has one', async () => {
    const customer = await stripe.customers.create({ email: 'known@example.com' });
    const { text } = await show((await openSession(stripe, { customer: customer.id })).url!);
    expect(text).toContain('known@example.com');
    expect(text).not.toContain('id="email"');
  });

  it('says what a trial is', async () => {
    const { text } = await show(
      (await openSession(stripe, { subscription_data: { trial_period_days: 14 } })).url!,
    );
    for (const words of ['14 days free', 'Then $49.00 per month, starting', 'Start trial']) {
      expect(text).toContain(words);
    }
  });

  it('escapes what it is given', async () => {
    const { url } = await openSession(stripe, { customer_email: '"><script>alert(1)</script>@x.example' });
    const { text } = await show(url!);
    expect(text).not.toContain('<script>');
  });

  it('is not there for an unknown session', async () => {
    expect((await show(pageUrl({ id: 'cs_test_none' }))).status).toBe(404);
    expect((await show(pageUrl({ id: '__proto__' }))).status).toBe(404);
  });
});

describe('Paying', () => {
  it('makes customer, subscription and invoice, and leads back', async () => {
    const session = await openSession(stripe, { client_reference_id: 't1', metadata: { checkout: 'c1' } });
    const answer = await submit(session.url!, { ...CARD, email: 'new@example.com' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(`http://localhost:3001/usage?checkout=${session.id}`);
    const paid = await stripe.checkout.sessions.retrieve(session.id, { expand: ['line_items'] });
    expect(paid).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      url: null,
      client_reference_id: 't1',
      metadata: { checkout: 'c1' },
      subscription: expect.stringMatching(/^sub_/),
      invoice: expect.stringMatching(/^in_/),
      amount_total: 4_900,
      customer_details: { email: 'new@example.com', name: CARD.name },
    });
    expect(paid.line_items!.data).toHaveLength(1);
    expect(await stripe.customers.retrieve(String(paid.customer))).toMatchObject({
      email: 'new@example.com',
    });
    const { data } = await stripe.checkout.sessions.list({ customer: String(paid.customer) });
    expect(data.map(({ id }) => id)).toEqual([session.id]);
    const { data: events } = await stripe.events.list({ limit: 9 });
    expect(events.map(({ type }) => type)).toEqual([
      'checkout.session.completed',
      'invoice.payment_succeeded',
      'invoice.paid',
      'charge.succeeded',
      'invoice.finalized',
      'invoice.created',
      'customer.subscription.created',
      'payment_method.attached',
      'customer.created',
    ]);
  });

  it('a trial is not paid yet', async () => {
    const session = await openSession(stripe, { subscription_data: { trial_period_days: 14 } });
    await submit(session.url!, { ...CARD, email: 'trial@example.com' });
    const paid = await stripe.checkout.sessions.retrieve(session.id);
    expect([paid.status, paid.payment_status]).toEqual(['complete', 'no_payment_required']);
    const subscription = await stripe.subscriptions.retrieve(String(paid.subscription));
    const { status, trial_start, trial_end, items } = subscription;
    expect([status, trial_end! - trial_start!]).toEqual(['trialing', 14 * 86_400]);
    expect(items.data[0]!.current_period_end).toBe(trial_end);
    const invoice = await stripe.invoices.retrieve(String(paid.invoice));
    expect([invoice.status, invoice.total]).toEqual(['paid', 0]);
  });

  it.each([
    ['4000 0000 0000 0002', 'Your card was declined.'],
    ['4000 0000 0000 9995', 'Your card has insufficient funds.'],
    ['4000 0000 0000 0069', 'Your card has expired.'],
    ['4000 0000 0000 0127', 'Your card&#39;s security code is incorrect.'],
    ['4000 0000 0000 0119', 'An error occurred while processing your card.'],
    ['4242 4242 4242 4241', 'Your card number is invalid.'],
    ['4242 4242', 'Your card number is incomplete.'],
    ['6011 1111 1111 1117', 'test mode'],
  ])('%s is refused, and another card may be tried', async (cardNumber, message) => {
    const session = await openSession(stripe);
    const typed = { ...CARD, cardNumber, email: 'try@example.com' };
    const answer = await submit(session.url!, typed);
    const text = await answer.text();
    expect(answer.status).toBe(402);
    expect(text).toMatch(/role="alert"/);
    expect(text).toContain(message);
    expect(text.match(/autofocus/g)).toHaveLength(1);
    expect(text).toMatch(/aria-invalid="true"/);
    expect(text).toContain('value="try@example.com"');
    expect(text).toContain(`value="${CARD.name}"`);
    expect(text).not.toContain(`value="${cardNumber}`);
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('open');
    expect((await submit(session.url!, { ...typed, cardNumber: CARD.cardNumber })).status).toBe(303);
    expect(await subscriptionsOf(session)).toBe(1);
  });

  it.each([
    [{ expiry: '01/20' }, 'expiration date is in the past'],
    [{ expiry: '13/40' }, 'expiration date is incomplete'],
    [{ cvc: '1' }, 'security code is incomplete'],
    [{ name: ' ' }, 'name on the card is missing'],
    [{ email: 'nobody' }, 'email is incomplete'],
  ])('%o is told', async (wrong, message) => {
    const session = await openSession(stripe);
    const answer = await submit(session.url!, { ...CARD, email: 'a@example.com', ...wrong });
    expect([answer.status, await answer.text()]).toEqual([402, expect.stringContaining(message)]);
  });

  it('a form that is sent twice makes one subscription', async () => {
    const session = await openSession(stripe);
    const form = { ...CARD, email: 'twice@example.com' };
    const answers = await Promise.all([1, 2, 3].map(() => submit(session.url!, form)));
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1);
    expect(await subscriptionsOf(session)).toBe(1);
    const { text } = await show(pageUrl(session));
    expect(text).toContain('You have already paid');
    expect(text).toContain(`href="http://localhost:3001/usage?checkout=${session.id}"`);
  });
});

describe('Expiry', () => {
  it('is between 30 minutes and 24 hours away', async () => {
    const now = Math.floor(Date.now() / 1_000);
    for (const seconds of [60, 25 * 3_600, -60]) {
      const error = await errorOf(openSession(stripe, { expires_at: now + seconds }));
      expect([error.statusCode, error.param]).toEqual([400, 'expires_at']);
    }
    expect((await openSession(stripe, { expires_at: now + 1_800 })).expires_at).toBe(now + 1_800);
    const { expires_at, created } = await openSession(stripe);
    expect(expires_at - created).toBe(86_400);
  });

  it('by request: the page says so, and takes nothing', async () => {
    const session = await openSession(stripe);
    const expired = await stripe.checkout.sessions.expire(session.id);
    expect([expired.status, expired.url]).toEqual(['expired', null]);
    const { status, text } = await show(session.url!);
    expect([status, text]).toEqual([410, expect.stringContaining('This checkout has expired')]);
    expect(text).toContain(`href="${CANCEL_URL}"`);
    expect((await submit(session.url!, { ...CARD, email: 'late@example.com' })).status).toBe(410);
    const again = await errorOf(stripe.checkout.sessions.expire(session.id));
    expect([again.statusCode, again.message]).toEqual([400, expect.stringContaining('status of `expired`')]);
    const [event] = (await stripe.events.list({ types: ['checkout.session.expired'], limit: 1 })).data;
    expect(event!.data.object).toMatchObject({ id: session.id });
  });

  it('by time, though it was away then', async () => {
    const session = await openSession(stripe);
    await standIn.stop();
    const state = JSON.parse(readFileSync(dataFile, 'utf8'));
    state.sessions[session.id].expires_at = Math.floor(Date.now() / 1_000) - 1;
    writeFileSync(dataFile, JSON.stringify(state));
    standIn = await startStripe({ dataFile, port: standIn.port });
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('expired');
    const [event] = (await stripe.events.list({ types: ['checkout.session.expired'], limit: 1 })).data;
    expect(event!.data.object).toMatchObject({ id: session.id });
  });
});

describe('What makes no sense', () => {
  it.each([
    [{ subscription_data: { trial_period_days: -3 } }, 'subscription_data[trial_period_days]'],
    [{ success_url: 'nowhere' }, 'success_url'],
    [{ success_url: 'javascript:alert(1)' }, 'success_url'],
  ])('%o is refused', async (params, param) => {
    const error = await errorOf(openSession(stripe, params));
    expect([error.statusCode, error.param]).toEqual([400, param]);
  });

  it('a price that does not recur cannot be subscribed to', async () => {
    const product = await stripe.products.create({ name: 'Once' });
    const price = await stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 1 });
    const line_items = [{ price: price.id, quantity: 1 }];
    expect((await errorOf(openSession(stripe, { line_items }))).param).toBe('line_items[0][price]');
  });

  it('a customer and an email exclude each other', async () => {
    const customer = await stripe.customers.create();
    const both = { customer: customer.id, customer_email: 'a@example.com' };
    expect((await errorOf(openSession(stripe, both))).statusCode).toBe(400);
  });
});
