import { viewOf } from '@sentryagent/workflows/rules/subscription';
import type { Stripe } from 'stripe';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientOf, subscribe } from '../../dev/stripe/test/journey.ts';
import { startStripe } from '../../dev/stripe/test/stand-in.ts';
import type { StripeStandIn } from '../../dev/stripe/test/stand-in.ts';
import {
  listSubscriptions,
  readSubscription,
} from '../src/services/billing/subscription/read-subscription.ts';

const NOW = new Date('2026-11-28T10:00:00Z');
const clock = (): Date => NOW;

let standIn: StripeStandIn;
let stripe: Stripe;
beforeAll(async () => {
  standIn = await startStripe();
  stripe = clientOf(standIn);
});
afterAll(() => standIn.stop());

const instant = (seconds: number): string => new Date(seconds * 1_000).toISOString();

const read = async (customer: string) => {
  const reading = await readSubscription({ stripe, clock }, customer);
  expect(reading.stripeNow).toBe(NOW.toISOString());
  return { ...reading, view: viewOf(reading) };
};

it('reads nothing of a customer that never bought', async () => {
  const { id } = await stripe.customers.create();
  expect(await read(id)).toMatchObject({ subscription: null, view: { tier: 'free', status: 'active' } });
});

it('reads what is paid, with its period, and when it is cancelled for the end of that', async () => {
  const { customer, subscriptionId } = await subscribe(stripe);
  const item = (await stripe.subscriptions.retrieve(subscriptionId)).items.data[0]!;
  const [start, end] = [instant(item.current_period_start), instant(item.current_period_end)];
  expect((await read(customer.id)).view).toEqual({
    tier: 'paid',
    status: 'active',
    subscriptionId,
    periodStart: start,
    periodEnd: end,
    renewsAt: end,
    endsAt: null,
    graceEndsAt: null,
    isCancelling: false,
  });
  await stripe.subscriptions.update(subscriptionId, { cancel_at_period_end: true });
  expect((await read(customer.id)).view).toMatchObject({ tier: 'paid', renewsAt: null, endsAt: end });
});

it('reads a trial with its end', async () => {
  const { customer, subscriptionId } = await subscribe(stripe, {
    subscription_data: { trial_period_days: 14 },
  });
  const { trial_end: end } = await stripe.subscriptions.retrieve(subscriptionId);
  const { view } = await read(customer.id);
  expect(view).toMatchObject({ tier: 'paid', status: 'trial', renewsAt: null, endsAt: instant(end!) });
});

it('reads one that has ended too: it was begun, and that counts', async () => {
  const { customer, subscriptionId } = await subscribe(stripe);
  await stripe.subscriptions.cancel(subscriptionId);
  expect(await listSubscriptions(stripe, customer.id)).toMatchObject([
    { id: subscriptionId, status: 'canceled' },
  ]);
  expect((await read(customer.id)).view).toMatchObject({
    tier: 'free',
    status: 'cancelled',
    subscriptionId,
  });
});

it('asks for the card and for the next charge at once', async () => {
  const { customer } = await subscribe(stripe);
  const asked = Promise.withResolvers<void>();
  const retrieve = async (id: string) => {
    await asked.promise;
    return stripe.paymentMethods.retrieve(id);
  };
  const createPreview = (params: Stripe.InvoiceCreatePreviewParams) => {
    asked.resolve();
    return stripe.invoices.createPreview(params);
  };
  const { subscriptions, customers } = stripe;
  const waiting = { subscriptions, customers, paymentMethods: { retrieve }, invoices: { createPreview } };
  expect(await readSubscription({ stripe: waiting as unknown as Stripe, clock }, customer.id)).toMatchObject({
    card: { last4: '4242' },
    nextCharge: { amount: 4_900 },
  });
});
