import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT, CARD, advanceTo, clientOf, errorOf, openSession, submit } from './journey.ts';
import { startStripe } from './stand-in.ts';
import type { StripeStandIn } from './stand-in.ts';

const DAY = 86_400;
const START = Date.UTC(2030, 0, 1) / 1_000;
const SECURE = { ...CARD, cardNumber: '4000 0027 6000 3184' };

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

const act = <T = unknown>(path: string): Promise<T> => standIn.dev<T>(path, { method: 'POST' });

const newestEvent = async (type: string): Promise<Stripe.Event> =>
  (await stripe.events.list({ type, limit: 1 })).data[0]!;

/** A session of a customer with a clock of its own. */
const open = async (params: Partial<Stripe.Checkout.SessionCreateParams> = {}) => {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START });
  const customer = await stripe.customers.create({ email: 'ada@example.com', test_clock: clock.id });
  const session = await openSession(stripe, { customer: customer.id, ...params });
  return {
    ...{ clock: clock.id, customer: customer.id, url: session.url! },
    to: (seconds: number) => advanceTo(stripe, clock.id, seconds),
    session: () => stripe.checkout.sessions.retrieve(session.id),
    subscription: async () =>
      (await stripe.subscriptions.list({ customer: customer.id, status: 'all' })).data[0],
    invoice: async () => (await stripe.invoices.list({ customer: customer.id })).data[0]!,
  };
};

describe('3-D Secure', () => {
  it('asks before the first payment, and takes yes for an answer', async () => {
    const { url, session } = await open();
    const asked = await submit(url, SECURE);
    const page = asked.headers.get('location')!;
    expect([asked.status, page]).toEqual([303, expect.stringContaining('/c/confirm/')]);
    expect(await (await fetch(page)).text()).toContain('$49.00 per month');
    expect((await session()).status).toBe('open');
    const done = await submit(page, { outcome: 'succeed' });
    expect([done.status, done.headers.get('location')]).toEqual([
      303,
      expect.stringContaining('/usage?checkout'),
    ]);
    expect(await session()).toMatchObject({ status: 'complete', payment_status: 'paid' });
    expect((await fetch(page)).status).toBe(404);
  });

  it('a no leads back to the page, and nothing is bought', async () => {
    const { url, session, subscription } = await open();
    const page = (await submit(url, SECURE)).headers.get('location')!;
    const refused = await submit(page, { outcome: 'fail' });
    expect([refused.status, await refused.text()]).toEqual([
      402,
      expect.stringContaining('unable to authenticate'),
    ]);
    expect((await session()).status).toBe('open');
    expect(await subscription()).toBeUndefined();
    expect((await submit(url, CARD)).status).toBe(303);
  });

  it('a renewal needs the person, who pays on the page of the invoice', async () => {
    const { url, to, subscription, invoice } = await open({ subscription_data: { trial_period_days: 7 } });
    await submit((await submit(url, SECURE)).headers.get('location')!, { outcome: 'succeed' });
    await to(START + 8 * DAY);
    expect((await subscription())!.status).toBe('past_due');
    const { id, hosted_invoice_url: hosted } = await invoice();
    expect((await newestEvent('invoice.payment_action_required')).data.object).toMatchObject({ id });
    expect((await errorOf(stripe.invoices.pay(id!))).code).toBe('invoice_payment_intent_requires_action');
    expect(await (await fetch(hosted!)).text()).toContain('Pay $49.00 with •••• 3184');
    const page = (await submit(hosted!, {})).headers.get('location')!;
    expect((await submit(page, { outcome: 'fail' })).status).toBe(402);
    const again = (await submit(hosted!, {})).headers.get('location')!;
    expect((await submit(again, { outcome: 'succeed' })).headers.get('location')).toBe(hosted);
    expect((await invoice()).status).toBe('paid');
    expect((await subscription())!.status).toBe('active');
  });
});

describe('A bank debit', () => {
  const later = async (account = ACCOUNT) => {
    const opened = await open();
    expect(await (await fetch(`${opened.url}?by=bank`)).text()).toContain('Routing number');
    expect((await submit(opened.url, account)).status).toBe(303);
    expect(await opened.session()).toMatchObject({ status: 'complete', payment_status: 'unpaid' });
    expect((await opened.subscription())!.status).toBe('incomplete');
    expect(await opened.invoice()).toMatchObject({ status: 'open', attempted: true });
    return opened;
  };

  it('pays after four days', async () => {
    const { customer, to, session, subscription, invoice } = await later();
    await to(START + 2 * DAY);
    // It is on its way, so nothing is charged again.
    expect((await stripe.invoices.pay((await invoice()).id!)).status).toBe('open');
    await to(START + 4 * DAY - 1);
    expect((await session()).payment_status).toBe('unpaid');
    await to(START + 4 * DAY);
    expect((await session()).payment_status).toBe('paid');
    expect((await subscription())!.status).toBe('active');
    expect((await invoice()).status).toBe('paid');
    expect((await stripe.charges.list({ customer })).data).toHaveLength(1);
    const event = await newestEvent('checkout.session.async_payment_succeeded');
    expect(event.data.object).toMatchObject({ id: (await session()).id, payment_status: 'paid' });
  });

  it('can be returned: then nothing was bought', async () => {
    const { to, session, subscription, invoice } = await later({ ...ACCOUNT, accountNumber: '000222222227' });
    await to(START + 4 * DAY);
    expect(await session()).toMatchObject({ status: 'complete', payment_status: 'unpaid' });
    expect((await subscription())!.status).toBe('incomplete_expired');
    expect((await invoice()).status).toBe('void');
    const event = await newestEvent('checkout.session.async_payment_failed');
    expect(event.data.object).toMatchObject({ id: (await session()).id });
  });

  it.each([
    ['succeed', 'active'],
    ['fail', 'incomplete_expired'],
  ])('settles at once when a developer says %s', async (outcome, status) => {
    const { invoice, subscription } = await later();
    await act(`/invoices/${(await invoice()).id}/settle?outcome=${outcome}`);
    expect((await subscription())!.status).toBe(status);
  });

  it.each([
    ['000123456789', 'paid', 'active'],
    ['000222222227', 'open', 'past_due'],
  ])('of account %s leaves a renewal %s', async (accountNumber, status, becomes) => {
    const { url, to, session, subscription, invoice } = await open({
      subscription_data: { trial_period_days: 7 },
    });
    await submit(url, { ...ACCOUNT, accountNumber });
    expect((await session()).payment_status).toBe('no_payment_required');
    await to(START + 8 * DAY);
    expect(await invoice()).toMatchObject({ status: 'open', attempted: true, attempt_count: 1 });
    expect((await subscription())!.status).toBe('active');
    await to(START + 12 * DAY);
    expect((await invoice()).status).toBe(status);
    expect((await subscription())!.status).toBe(becomes);
  });

  it('takes no unknown account', async () => {
    const { url } = await open();
    const answer = await submit(url, { ...ACCOUNT, accountNumber: '1', routingNumber: '2' });
    expect([answer.status, await answer.text()]).toEqual([402, expect.stringContaining('routing number')]);
  });
});

describe('Tax ID and billing address', () => {
  const asking = {
    billing_address_collection: 'required',
    tax_id_collection: { enabled: true },
    customer_update: { name: 'auto', address: 'auto' },
  } satisfies Partial<Stripe.Checkout.SessionCreateParams>;

  it('are asked for, and kept with the customer', async () => {
    const { url, customer, session } = await open(asking);
    expect(await (await submit(url, CARD)).text()).toContain('Your address is missing.');
    const typed = { line1: '1 Main St', city: 'Bern', postalCode: '3000', country: 'ch', taxId: 'CHE-1' };
    expect((await submit(url, { ...CARD, ...typed, businessName: 'Ada AG' })).status).toBe(303);
    const address = { line1: '1 Main St', city: 'Bern', postal_code: '3000', country: 'CH' };
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ name: 'Ada AG', address });
    expect(await session()).toMatchObject({
      tax_id_collection: { enabled: true },
      customer_details: { address, business_name: 'Ada AG', tax_ids: [{ value: 'CHE-1' }] },
    });
  });

  it('a tax ID needs the right to change the name', async () => {
    const { customer_update: _, ...rest } = asking;
    const customer = await stripe.customers.create({});
    const error = await errorOf(openSession(stripe, { ...rest, customer: customer.id }));
    expect(error.message).toContain('customer_update[name]');
  });
});

describe('What developers make happen', () => {
  const bought = async () => {
    const opened = await open();
    await submit(opened.url, CARD);
    const [charge] = (await stripe.charges.list({ customer: opened.customer })).data;
    return { ...opened, charge: charge!, id: (await opened.subscription())!.id };
  };

  it('a refund', async () => {
    const { charge } = await bought();
    await act(`/charges/${charge.id}/refund?amount=900`);
    expect(await stripe.charges.retrieve(charge.id)).toMatchObject({ amount_refunded: 900, refunded: false });
    await act(`/charges/${charge.id}/refund`);
    expect(await stripe.charges.retrieve(charge.id)).toMatchObject({
      amount_refunded: 4_900,
      refunded: true,
    });
    const { data } = await newestEvent('charge.refunded');
    expect(data.object).toMatchObject({ id: charge.id, payment_intent: charge.payment_intent });
    expect(data.previous_attributes).toEqual({ amount_refunded: 900, refunded: false });
    expect(await act(`/charges/${charge.id}/refund`)).toMatchObject({ error: expect.any(String) });
  });

  it.each(['won', 'lost'])('a dispute that is %s', async (status) => {
    const { charge } = await bought();
    const { id } = await act<{ id: string }>(`/charges/${charge.id}/dispute`);
    const created = await newestEvent('charge.dispute.created');
    expect(created.data.object).toMatchObject({
      id,
      charge: charge.id,
      amount: 4_900,
      status: 'needs_response',
    });
    expect(created.data.object).not.toHaveProperty('customer');
    expect((await stripe.charges.retrieve(charge.id)).disputed).toBe(true);
    await act(`/disputes/${id}/close?status=${status}`);
    expect((await newestEvent('charge.dispute.closed')).data.object).toMatchObject({ id, status });
  });

  it('a payment that fails, once', async () => {
    const { customer, to, subscription, invoice } = await bought();
    await act(`/customers/${customer}/fail-next-payment`);
    await to(Date.UTC(2030, 1, 2) / 1_000);
    expect((await subscription())!.status).toBe('past_due');
    await to(Date.UTC(2030, 1, 5) / 1_000);
    expect((await subscription())!.status).toBe('active');
    expect(await invoice()).toMatchObject({ status: 'paid', attempt_count: 2 });
  });

  it('a pause, and its end', async () => {
    const { id, to, subscription } = await bought();
    await act(`/subscriptions/${id}/pause`);
    expect((await newestEvent('customer.subscription.paused')).data.object).toMatchObject({
      id,
      status: 'paused',
    });
    await to(Date.UTC(2030, 1, 15) / 1_000);
    await act(`/subscriptions/${id}/resume`);
    await to(Date.UTC(2030, 1, 16) / 1_000);
    const { status, items } = (await subscription())!;
    expect([status, items.data[0]!.current_period_start]).toEqual(['active', Date.UTC(2030, 1, 15) / 1_000]);
    expect((await stripe.invoices.list({ subscription: id })).data).toHaveLength(2);
  });

  it('another price', async () => {
    const { id, subscription } = await bought();
    await act(`/subscriptions/${id}/change-price?amount=5900`);
    const [item] = (await subscription())!.items.data;
    expect(item!.price).toMatchObject({ unit_amount: 5_900, lookup_key: null });
  });

  it('is refused by its name, and to other web pages', async () => {
    expect(await act('/charges/ch_none/refund')).toEqual({ error: "No such charge: 'ch_none'" });
    expect(await act('/charges/ch_none/steal')).toEqual({ error: 'This control does not exist.' });
    expect(await act('/advance')).toMatchObject({ error: expect.stringContaining('?days=25') });
    const from = (origin: string) =>
      fetch(`${standIn.url}/_dev/advance?hours=1`, {
        method: 'POST',
        headers: { origin },
        redirect: 'manual',
      });
    expect((await from('http://evil.example')).status).toBe(403);
    expect((await from('null')).status).toBe(403);
    expect((await from(standIn.url)).status).toBe(302);
  });

  it('has a button for each', async () => {
    const { charge, customer, id } = await bought();
    const other = await bought();
    const dispute = await act<{ id: string }>(`/charges/${other.charge.id}/dispute`);
    const debit = await open();
    await submit(debit.url, ACCOUNT);
    const text = await (await fetch(standIn.url)).text();
    for (const path of [
      'advance?days=25',
      `charges/${charge.id}/refund`,
      `charges/${charge.id}/dispute`,
      `disputes/${dispute.id}/close?status=won`,
      `customers/${customer}/fail-next-payment`,
      `subscriptions/${id}/pause`,
      `subscriptions/${id}/change-price`,
      `invoices/${(await debit.invoice()).id}/settle?outcome=fail`,
    ]) {
      expect(text).toContain(`action="/_dev/${path}"`);
    }
  });
});
