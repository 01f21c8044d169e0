import type Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CARD, advanceTo, clientOf, errorOf, openSession, submit } from './journey.ts';
import { startStripe } from './stand-in.ts';
import type { StripeStandIn } from './stand-in.ts';

const DAY = 86_400;
const START = Date.UTC(2030, 0, 1) / 1_000;
const RETURN_URL = 'http://localhost:3001/usage';

let standIn: StripeStandIn;
let stripe: Stripe;
let configuration: string;
beforeAll(async () => {
  standIn = await startStripe();
  stripe = clientOf(standIn);
  const enabled = { enabled: true };
  const features = {
    subscription_cancel: { enabled: true, mode: 'at_period_end' as const },
    invoice_history: enabled,
    payment_method_update: enabled,
  };
  configuration = (await stripe.billingPortal.configurations.create({ features })).id;
});
afterAll(async () => {
  const violations = await standIn.dev('/violations');
  await standIn.stop();
  expect(violations).toEqual([]);
});

/** The portal of a customer who has paid, or is on trial. */
const portal = async ({ trialDays = 0, given = configuration, card = CARD } = {}) => {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START });
  const customer = await stripe.customers.create({ email: 'ada@example.com', test_clock: clock.id });
  const plan = trialDays ? { subscription_data: { trial_period_days: trialDays } } : {};
  const checkout = await openSession(stripe, { customer: customer.id, ...plan });
  await submit(checkout.url!, card);
  const session = await stripe.billingPortal.sessions.create({
    customer: customer.id,
    configuration: given,
    return_url: RETURN_URL,
  });
  const [subscription] = (await stripe.subscriptions.list({ customer: customer.id })).data;
  const { id } = subscription!;
  return {
    ...{ id, customer: customer.id, clock: clock.id, url: session.url },
    text: async () => (await fetch(session.url)).text(),
    send: (action: string, form = {}) => submit(session.url, { action, subscription: id, ...form }),
    subscription: () => stripe.subscriptions.retrieve(id),
  };
};

const read = async (url: string) => {
  const answer = await fetch(url);
  return { type: answer.headers.get('content-type'), text: await answer.text() };
};

describe('A portal session', () => {
  it('needs a customer, and a configuration until the account has a default one', async () => {
    const { customer } = await portal();
    const { sessions } = stripe.billingPortal;
    expect((await errorOf(sessions.create({ customer: 'cus_none', configuration }))).param).toBe('customer');
    expect((await errorOf(sessions.create({ customer }))).message).toContain('No configuration provided');
    const session = await sessions.create({ customer, configuration, return_url: RETURN_URL });
    expect(session).toMatchObject({ customer, configuration, return_url: RETURN_URL, flow: null });
  });

  it('is not there for an unknown id', async () => {
    expect((await fetch(`${standIn.url}/p/session/bps_none`)).status).toBe(404);
  });
});

describe('The portal', () => {
  it('shows the plan, the card and the invoices, and leads back', async () => {
    const { text } = await portal();
    const shown = await text();
    for (const words of [
      'Local stand-in for Stripe. No money moves.',
      'SentryAgent Paid',
      '$49.00 <span>per month',
      'Renews February 1, 2030.',
      'visa •••• 4242, expires 12/2040',
      `href="${RETURN_URL}"`,
      'name="viewport"',
      'ada@example.com',
    ]) {
      expect(shown).toContain(words);
    }
  });

  it('cancels at the period end, and takes it back', async () => {
    const { send, text, subscription } = await portal();
    const answer = await send('cancel');
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      expect.stringContaining('/p/session/'),
    ]);
    expect(await subscription()).toMatchObject({ cancel_at_period_end: true, status: 'active' });
    expect(await text()).toContain('Ends February 1, 2030.');
    await send('cancel');
    const { data } = await stripe.events.list({ type: 'customer.subscription.updated', limit: 1 });
    expect(data[0]!.data.previous_attributes).toMatchObject({ cancel_at_period_end: false });
    await send('resume');
    expect(await subscription()).toMatchObject({ cancel_at_period_end: false, cancel_at: null });
  });

  it('cancels at once if it is set up so, and not at all if it may not', async () => {
    const make = (subscription_cancel: { enabled: boolean; mode?: 'immediately' }) =>
      stripe.billingPortal.configurations.create({ features: { subscription_cancel } });
    const now = await portal({ given: (await make({ enabled: true, mode: 'immediately' })).id });
    await now.send('cancel');
    expect((await now.subscription()).status).toBe('canceled');
    expect(await now.text()).toContain('No subscription');
    const never = await portal({ given: (await make({ enabled: false })).id });
    expect(await never.text()).not.toMatch(/Cancel subscription|Change card|Invoices/);
    await never.send('cancel');
    await never.send('card', { ...CARD, cardNumber: '5555 5555 5555 4444' });
    expect(await never.subscription()).toMatchObject({ cancel_at_period_end: false });
    expect((await stripe.customers.listPaymentMethods(never.customer)).data).toHaveLength(1);
  });

  it('stays at the name that the browser has asked, which alone its policy allows', async () => {
    const { url } = await portal();
    const other = url.replace('localhost', '127.0.0.1');
    expect((await submit(other, { action: 'none' })).headers.get('location')).toBe(other);
  });

  it('changes the card of the subscription and the customer', async () => {
    const { send, text, subscription, customer } = await portal();
    expect((await send('card', { ...CARD, cardNumber: '4000 0000 0000 0002' })).status).toBe(402);
    expect((await send('card', { ...CARD, cardNumber: '5555 5555 5555 4444' })).status).toBe(303);
    expect(await text()).toContain('mastercard •••• 4444');
    const [newest] = (await stripe.customers.listPaymentMethods(customer)).data;
    expect((await subscription()).default_payment_method).toBe(newest!.id);
    expect(await stripe.customers.retrieve(customer)).toMatchObject({
      invoice_settings: { default_payment_method: newest!.id },
    });
  });

  it('leads to the open invoice, which is paid there', async () => {
    const card = { ...CARD, cardNumber: '4000 0000 0000 0341' };
    const { clock, customer, send, text, subscription } = await portal({ trialDays: 7, card });
    await advanceTo(stripe, clock, START + 8 * DAY);
    const [open] = (await stripe.invoices.list({ customer, status: 'open' })).data;
    expect(await text()).toContain(`<a href="/i/${open!.id}">Pay</a>`);
    expect((await submit(open!.hosted_invoice_url!, {})).status).toBe(402);
    await send('card', CARD);
    expect((await submit(open!.hosted_invoice_url!, {})).status).toBe(303);
    expect((await subscription()).status).toBe('active');
  });

  it('gives each invoice as a page and as a PDF that says the same', async () => {
    const { customer } = await portal();
    const [invoice] = (await stripe.invoices.list({ customer })).data;
    const { number, hosted_invoice_url: page, invoice_pdf: file } = invoice!;
    expect((await read(page!)).text).toContain(`Invoice ${number}`);
    const { type, text } = await read(file!);
    expect([type, text.slice(0, 5), text.slice(-6)]).toEqual(['application/pdf', '%PDF-', '%%EOF\n']);
    for (const words of [
      `Invoice ${number}`,
      'Total: $49.00',
      'Paid: $49.00 \\(paid\\)',
      'ada@example.com',
    ]) {
      expect(text).toContain(words);
    }
    // Each entry of the table of a PDF has the place of its object.
    const at = Number(/startxref\n(\d+)/.exec(text)![1]);
    expect(text.slice(at, at + 4)).toBe('xref');
    const places = [...text.slice(at).matchAll(/^(\d{10}) 00000 n/gm)].map(([, place]) => Number(place));
    expect(places.map((place) => text.slice(place, place + 7))).toEqual(
      [1, 2, 3, 4, 5].map((object) => `${object} 0 obj`),
    );
  });
});
