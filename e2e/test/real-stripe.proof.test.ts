import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../dev/test/support/until.ts';
import { expectAsAtStripe } from './support/as-at-stripe.ts';
import { atStripe, expectOneCharge, setFaults } from './support/charges.ts';
import { openCheckout } from './support/checkout-page.ts';
import { FORWARDED_SECRET, forwardEvents, type Forwarding } from './support/forward-events.ts';
import { insist } from './support/insist.ts';
import { signUpByHttp, type SignedUp } from './support/people.ts';
import { startSellingStack, type SellingStack } from './support/stack.ts';
import { testKeyOf } from './support/stripe-account.ts';
import { stripeActs } from './support/stripe-acts.ts';

const key = testKeyOf(process.env);
const WHERE = key === undefined ? 'the stand-in' : 'Stripe itself, in test mode';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Events of Stripe come late, and a clock takes up to minutes. */
const PATIENCE_MS = 300_000;

let stack: SellingStack;
let forwarding: Forwarding;
let stripe: ReturnType<typeof stripeActs>;
const clocks: string[] = [];

beforeAll(async () => {
  console.log(`The billing scenarios run against ${WHERE}.`);
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', STRIPE_WEBHOOK_SECRETS: FORWARDED_SECRET };
  stack = await startSellingStack(env, key);
  // Its own webhooks are off, because those of Stripe cannot reach this machine either.
  if (key === undefined) await setFaults(stack, { dropWebhooks: true });
  stripe = stripeActs(stack);
  forwarding = forwardEvents(stack);
});
afterAll(async () => {
  for (const clock of clocks) await stripe.removeClock(clock);
  await forwarding.stop().finally(() => stack.close());
});

const becomes = (person: SignedUp, wanted: { tier: string; status?: string }): Promise<void> =>
  until(
    `the tenant is ${JSON.stringify(wanted)}`,
    async () => {
      const { tier, status } = await person.api.billing.subscription();
      return tier === wanted.tier && (wanted.status === undefined || status === wanted.status);
    },
    PATIENCE_MS,
  );

const pay = async (person: SignedUp): Promise<string> => {
  const { checkoutId, url } = await openCheckout(person, PATIENCE_MS);
  await stripe.pay(url);
  await becomes(person, { tier: 'paid', status: 'active' });
  return checkoutId;
};

/** A tenant that has paid, on a clock of its own. */
const buyOnClock = async (): Promise<{ person: SignedUp; clock: string; renewsAt: number }> => {
  const person = await signUpByHttp(stack);
  const clock = await stripe.putOnClock(person);
  clocks.push(clock);
  await pay(person);
  const { renewsAt } = await person.api.billing.subscription();
  return { person, clock, renewsAt: Date.parse(renewsAt!) };
};

const countOf = async (text: string, { tenantId }: SignedUp): Promise<number> =>
  Number((await stack.sql(`select count(*) from ${text} and tenant_id = $1`, [tenantId]))[0]!.count);

describe('The billing scenarios run at Stripe or its stand-in', () => {
  describe(`here: ${WHERE}`, () => {
    it('paid once, refunded, ended', async () => {
      const person = await signUpByHttp(stack);
      const checkoutId = await pay(person);
      expect((await person.api.billing.checkout(checkoutId)).status).toBe('completed');
      await expectOneCharge(stack, person);
      await expectAsAtStripe(stack, person);
      expect(await person.api.billing.subscription()).toMatchObject({
        card: { brand: 'visa', last4: '4242' },
        nextCharge: { amount: 4_900, currency: 'usd' },
      });

      const { customer, subscriptions } = await atStripe(stack, person);
      const [charge] = (await stack.billing.ask<{ data: { id: string }[] }>(`/charges?customer=${customer}`))
        .data;
      await stripe.refund(charge!.id);
      const refunds = () => countOf(`audit_events where action = 'invoice.refunded'`, person);
      await until('the refund is noted', async () => (await refunds()) === 1, PATIENCE_MS);
      const { data: invoices } = await person.api.billing.invoices();
      expect(invoices).toMatchObject([{ status: 'paid', amountPaid: 4_900, amountRefunded: 4_900 }]);
      expect((await person.api.billing.subscription()).tier).toBe('paid');

      await stripe.endSubscription(subscriptions[0]!.id);
      await becomes(person, { tier: 'free', status: 'cancelled' });
      expect(await refunds()).toBe(1);
    });

    it('cancelled and taken back', async () => {
      const { person } = await buyOnClock();
      const { cancel, resume } = person.api.billing;
      expect(await insist(cancel, PATIENCE_MS)).toMatchObject({
        tier: 'paid',
        isCancelling: true,
        renewsAt: null,
      });
      await expectAsAtStripe(stack, person);
      expect(await insist(resume, PATIENCE_MS)).toMatchObject({
        tier: 'paid',
        isCancelling: false,
        endsAt: null,
      });
      await expectAsAtStripe(stack, person);
      await insist(cancel, PATIENCE_MS);
      const refused = await openCheckout(person, PATIENCE_MS).catch((error: unknown) => error);
      expect(refused).toMatchObject({ status: 409, code: 'already_subscribed' });
    });

    it('reminded and renewed', async () => {
      const { person, clock, renewsAt } = await buyOnClock();
      await stripe.moveClock(clock, new Date(renewsAt - 6 * DAY));
      const reminders = () => countOf(`mails where kind = 'charge_reminder'`, person);
      await until('the owner is reminded', async () => (await reminders()) === 1, PATIENCE_MS);
      // Stripe keeps the invoice as a draft for an hour.
      await stripe.moveClock(clock, new Date(renewsAt + 2 * HOUR));
      await until(
        'the next period is shown, and paid',
        async () => {
          const now = await person.api.billing.subscription();
          const { invoices } = await atStripe(stack, person);
          const isPaid = invoices.length === 2 && invoices.every(({ status }) => status === 'paid');
          return isPaid && now.status === 'active' && Date.parse(now.renewsAt!) > renewsAt + 27 * DAY;
        },
        PATIENCE_MS,
      );
      await expectAsAtStripe(stack, person);
    });

    it('past due, and Free after the grace', async () => {
      const { person, clock, renewsAt } = await buyOnClock();
      const { customer, subscriptions } = await atStripe(stack, person);
      await stripe.failPayments(customer, subscriptions[0]!.id);
      await stripe.moveClock(clock, new Date(renewsAt + 2 * HOUR));
      await becomes(person, { tier: 'paid', status: 'past_due' });
      const { graceEndsAt } = await person.api.billing.subscription();
      const grace = Date.parse(graceEndsAt!) - renewsAt;
      expect(grace).toBeGreaterThan(7 * DAY - HOUR);
      expect(grace).toBeLessThan(7 * DAY + 2 * HOUR);
      await stripe.moveClock(clock, new Date(Date.parse(graceEndsAt!) + HOUR));
      await becomes(person, { tier: 'free' });
    });

    it('told by the events that were forwarded', () => {
      const types = new Set(forwarding.accepted());
      for (const type of [
        'checkout.session.completed',
        'customer.subscription.created',
        'customer.subscription.deleted',
        'invoice.paid',
        'invoice.payment_failed',
        'charge.refunded',
        'test_helpers.test_clock.ready',
      ])
        expect(types).toContain(type);
    });
  });
});
