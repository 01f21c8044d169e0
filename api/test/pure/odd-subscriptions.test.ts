import { nextChargeAt } from '@sentryagent/workflows/rules/reminders';
import { chooseSubscription, viewOf } from '@sentryagent/workflows/rules/subscription';
import type { StripeSubscription } from '@sentryagent/workflows/rules/subscription';
import type { Stripe } from 'stripe';
import { describe, expect, it } from 'vitest';
import { readSubscription, take } from '../../src/services/billing/subscription/read-subscription.ts';
import { mailsAbout } from '../../src/services/billing/subscription/subscription-mails.ts';
import { renderMail } from '../../src/services/mail/render-mail.ts';
import { subscriptionOf, withoutPayments } from '../support/fake-subscription.ts';

const DAY = 86_400;
const MONTH = 30 * DAY;
const [created, periodEnd] = [1_790_000_000, 1_790_000_000 + MONTH];
const iso = (seconds: number) => new Date(seconds * 1_000).toISOString();
const OUR_PRICE = 'sentryagent_paid_monthly';

type Changes = Partial<Stripe.Subscription> | object;

const at = (status: Stripe.Subscription.Status, changes: Changes = {}) =>
  ({ ...subscriptionOf(status), ...changes }) as unknown as Stripe.Subscription;

/** A read of a customer with these subscriptions and invoices, newest first. */
const read = (all: Stripe.Subscription[], invoices: object[] = [], now = created + DAY) => {
  const stripe = {
    ...withoutPayments,
    invoices: { ...withoutPayments.invoices, list: async () => ({ data: invoices }) },
    subscriptions: { list: async () => ({ data: all }) },
  } as unknown as Stripe;
  return readSubscription({ stripe, clock: () => new Date(now * 1_000) }, 'cus_1');
};

const viewAt = async (subscription: Stripe.Subscription, invoices: object[] = [], now?: number) =>
  viewOf(await read([subscription], invoices, now));

const textOf = (mail: ReturnType<typeof mailsAbout>[number] | undefined) =>
  renderMail(mail!.kind, mail!.data, 'http://dashboard.test').text;

describe('what is charged', () => {
  it('An end after the next charge is told with that charge', async () => {
    const end = periodEnd + 2 * MONTH;
    for (const [status, trial] of [
      ['active', null],
      ['trialing', periodEnd],
    ] as const) {
      const reading = await read([at(status, { cancel_at: end, trial_end: trial })]);
      const view = viewOf(reading);
      expect(view).toMatchObject({ isCancelling: true, endsAt: iso(end), renewsAt: iso(periodEnd) });
      expect(nextChargeAt(view)).toBe(iso(periodEnd));
      expect(reading.nextCharge).toEqual({ amount: 4_900, currency: 'usd' });
      const before = viewOf(await read([at(status, { trial_end: trial })]));
      const [mail] = mailsAbout(before, view, reading);
      expect(textOf(mail)).toContain(`next on ${iso(periodEnd).slice(0, 10)}`);
      expect(textOf(mail)).not.toContain('nothing more');
    }
    const last = await read([at('active', { cancel_at: periodEnd })]);
    expect([viewOf(last).renewsAt, last.nextCharge]).toEqual([null, null]);
  });

  it('Paused payments announce no charge', async () => {
    const paused = (resumes_at: number | null) => ({ pause_collection: { behavior: 'void', resumes_at } });
    for (const resumesAt of [null, periodEnd + 1]) {
      const reading = await read([at('active', paused(resumesAt))]);
      expect(viewOf(reading)).toMatchObject({ tier: 'paid', status: 'active', renewsAt: null, endsAt: null });
      expect(reading.nextCharge).toBeNull();
    }
    const trial = await read([at('trialing', { trial_end: periodEnd, ...paused(null) })]);
    expect([viewOf(trial).endsAt, trial.nextCharge]).toEqual([iso(periodEnd), null]);
    const [welcome] = mailsAbout(
      viewOf({ subscription: null, stripeNow: iso(created) }),
      viewOf(trial),
      trial,
    );
    expect(textOf(welcome)).not.toContain('charges');
    const soon = await read([at('active', paused(periodEnd))]);
    expect([viewOf(soon).renewsAt, soon.nextCharge !== null]).toEqual([iso(periodEnd), true]);
  });

  it('The item of our price decides', () => {
    const item = (end: number, lookup_key: string | null) => ({
      current_period_start: created,
      current_period_end: end,
      price: { lookup_key },
    });
    const items = { data: [item(created + 12 * MONTH, 'support_yearly'), item(periodEnd, OUR_PRICE)] };
    expect(take(at('active', { items }))).toMatchObject({
      ...{ lookupKey: OUR_PRICE, periodEnd: iso(periodEnd), nextChargeAt: iso(periodEnd), isOurs: true },
    });
  });
});

describe('which subscription', () => {
  const ours = (status: Stripe.Subscription.Status) =>
    at(status, { id: 'sub_ours', metadata: { tenant_id: 'ten_1' } });
  const other = at('active', { id: 'sub_other', created: created + DAY });

  it('Another subscription of the customer decides nothing', () => {
    for (const status of ['active', 'trialing', 'past_due', 'unpaid', 'paused'] as const) {
      expect(chooseSubscription([other, ours(status)].map(take))?.id).toBe('sub_ours');
    }
    for (const ended of ['canceled', 'incomplete_expired', 'incomplete'] as const) {
      expect(chooseSubscription([ours(ended), other].map(take))?.id).toBe('sub_other');
    }
  });

  it('a history without the mark chooses as before', () => {
    const old = ({ isOurs: _mark, ...rest }: StripeSubscription): StripeSubscription => rest;
    expect(chooseSubscription([other, ours('past_due')].map(take).map(old))?.id).toBe('sub_other');
  });
});

describe('when the grace begins', () => {
  const invoice = (id: string, status: string, finalized: number, changes: object = {}) => ({
    id,
    status,
    created: finalized - 3_600,
    currency: 'usd',
    amount_remaining: 4_900,
    attempted: true,
    attempt_count: 1,
    due_date: null,
    status_transitions: { finalized_at: finalized },
    ...changes,
  });
  const failed = created + 10 * DAY;
  const grace = iso(failed + 7 * DAY);
  const now = failed + DAY;

  it('An old open invoice starts no grace', async () => {
    const invoices = [
      invoice('in_draft', 'draft', failed + DAY),
      invoice('in_again', 'open', failed + DAY),
      invoice('in_new', 'open', failed),
    ];
    for (const status of ['paid', 'uncollectible']) {
      const before = [
        invoice('in_settled', status, failed - MONTH),
        invoice('in_old', 'open', failed - 2 * MONTH),
      ];
      const reading = await read([at('past_due')], [...invoices, ...before], now);
      expect(viewOf(reading)).toMatchObject({ tier: 'paid', status: 'past_due', graceEndsAt: grace });
      expect(reading.failures.map(({ invoiceId }) => invoiceId)).toEqual(['in_again', 'in_new']);
    }
  });

  it('A past due subscription always has an end of grace', async () => {
    const sent = { attempted: false, attempt_count: 0 };
    for (const one of [
      invoice('in_sent', 'open', failed - 30 * DAY, { ...sent, due_date: failed }),
      invoice('in_no_card', 'open', failed, sent),
    ]) {
      const void_ = invoice('in_void', 'void', failed - DAY);
      expect(await viewAt(at('past_due'), [one, void_], now)).toMatchObject({ graceEndsAt: grace });
      expect(await viewAt(at('past_due'), [one], failed + 7 * DAY)).toMatchObject({
        ...{ tier: 'free', status: 'payment_failed' },
      });
    }
  });
});

describe('what a cancellation says', () => {
  it('A cancellation on Free is shown', async () => {
    for (const status of ['unpaid', 'paused'] as const) {
      const before = await viewAt(at(status));
      const reading = await read([at(status, { cancel_at: periodEnd, cancel_at_period_end: true })]);
      const view = viewOf(reading);
      expect(view).toMatchObject({ tier: 'free', isCancelling: true, endsAt: iso(periodEnd) });
      expect(nextChargeAt(view)).toBeNull();
      const [mail, ...more] = mailsAbout(before, view, reading);
      expect(more).toEqual([]);
      expect(textOf(mail)).toContain(`ends on ${iso(periodEnd).slice(0, 10)} (UTC).`);
      expect(textOf(mail)).not.toContain('keep Paid');
    }
  });

  it('A cancellation while past due leaves the open invoice due', async () => {
    const open = {
      ...{ id: 'in_1', status: 'open', created, currency: 'usd', amount_remaining: 4_900 },
      ...{ attempt_count: 0, due_date: null, status_transitions: { finalized_at: created } },
    };
    const before = await viewAt(at('past_due'), [open]);
    const reading = await read([at('past_due', { cancel_at: periodEnd })], [open]);
    const [mail, ...more] = mailsAbout(before, viewOf(reading), reading);
    expect(more).toEqual([]);
    expect(textOf(mail)).toContain('The open invoice stays due');
    expect(textOf(mail)).not.toMatch(/keep Paid|nothing more/);
  });

  it('a subscription that has ended is not cancelling', async () => {
    expect(await viewAt(at('canceled', { cancel_at: periodEnd }))).toMatchObject({
      ...{ status: 'cancelled', isCancelling: false, endsAt: null },
    });
  });
});
