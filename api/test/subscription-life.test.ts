import type { Stripe } from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CARD, advanceTo, clientOf, openSession, submit } from '../../dev/stripe/test/journey.ts';
import { startStripe } from '../../dev/stripe/test/stand-in.ts';
import type { StripeStandIn } from '../../dev/stripe/test/stand-in.ts';
import { listInvoices } from '../src/services/billing/invoices/list-invoices.ts';
import { applySubscription } from '../src/services/billing/subscription/apply-subscription.ts';
import { changeCancellation, extendGrace } from '../src/services/billing/subscription/change-at-stripe.ts';
import { remindOwners } from '../src/services/billing/subscription/remind-owners.ts';
import type { MailData, MailKind } from '../src/services/mail/kinds.ts';
import { renderMail } from '../src/services/mail/render-mail.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { usageOf } from './support/metered.ts';
import { onOneDay } from './support/one-day.ts';

const DAY = 86_400;
const HOUR = 3_600;

let standIn: StripeStandIn;
let stripe: Stripe;
let api: TestApi;
beforeAll(async () => {
  standIn = await startStripe();
  stripe = clientOf(standIn);
  // Nobody listens at Temporal's: the activities are called as the worker calls them.
  const env = {
    TEMPORAL_ADDRESS: '127.0.0.1:9',
    STRIPE_SECRET_KEY: 'sk_test_life',
    STRIPE_API_URL: standIn.url,
  };
  api = await startApi({ env });
});
afterAll(async () => {
  const violations = await standIn.dev('/violations');
  await api.close();
  await standIn.stop();
  expect(violations).toEqual([]);
});

const deps = () => ({ ...api.deps, stripe });

interface Payer {
  member: TestMember;
  tenantId: string;
  customer: string;
  clock: string;
  subscriptionId: string;
  /** The end of the first period. */
  periodEnd: number;
}

/** An owner who has paid, with a clock at Stripe that the test moves. */
const buy = async (params: Partial<Stripe.Checkout.SessionCreateParams> = {}): Promise<Payer> => {
  const member = await signUp(api);
  const now = Math.floor(Date.now() / 1_000);
  const { id: clock } = await stripe.testHelpers.testClocks.create({ frozen_time: now });
  const { id: customer } = await stripe.customers.create({ test_clock: clock, email: member.email });
  const { tenantId } = member;
  await api.sql('insert into stripe_customers (tenant_id, customer_id) values ($1, $2)', [
    tenantId,
    customer,
  ]);
  const session = await openSession(stripe, { customer, ...params });
  await submit(session.url!, CARD);
  const subscription = (await stripe.subscriptions.list({ customer })).data[0]!;
  await applySubscription(deps(), tenantId);
  const periodEnd = subscription.items.data[0]!.current_period_end;
  return { member, tenantId, customer, clock, subscriptionId: subscription.id, periodEnd };
};

const shown = async ({ member }: Payer) => {
  const { status, body } = await member.get('/billing/subscription');
  expect(status).toBe(200);
  return body;
};

/** Moves the clock, and reads as often as the workflow would be nudged: twice, of which one must change nothing. */
const advance = async (payer: Payer, seconds: number): Promise<void> => {
  await advanceTo(stripe, payer.clock, seconds);
  for (const _time of [1, 2]) await applySubscription(deps(), payer.tenantId);
};

const mailsOf = ({ tenantId }: Payer) =>
  api.sql('select kind, key, data from mails where tenant_id = $1 order by created_at, id', [tenantId]);
/** The texts of a kind that each address gets. */
const textsOf = async ({ tenantId }: Payer, kind: MailKind): Promise<Map<string, string[]>> => {
  const rows = await api.sql(
    'select recipient, data from mails where tenant_id = $1 and kind = $2 order by created_at, id',
    [tenantId, kind],
  );
  const texts = rows.map(({ recipient, data }) => ({
    recipient: recipient as string,
    text: renderMail(kind, data as MailData[MailKind], 'http://dashboard.test').text,
  }));
  const byRecipient = Map.groupBy(texts, ({ recipient }) => recipient);
  return new Map([...byRecipient].map(([recipient, own]) => [recipient, own.map(({ text }) => text)]));
};

/** Makes somebody else an owner too. */
const addOwner = async ({ tenantId }: Payer): Promise<string> => {
  const { userId, email } = await signUp(api);
  await api.sql(`update members set tenant_id = $1, role = 'owner' where user_id = $2`, [tenantId, userId]);
  return email;
};

const kindsOf = async (payer: Payer) => (await mailsOf(payer)).map(({ kind }) => kind);

const failNext = ({ customer }: Payer, times: number) =>
  standIn.dev(`/customers/${customer}/fail-next-payment?times=${times}`, { method: 'POST' });

const iso = (seconds: number): string => new Date(seconds * 1_000).toISOString();

describe('GET /billing/subscription', () => {
  it('The subscription is shown without asking Stripe', async () => {
    const free = await signUp(api);
    expect((await free.get('/billing/subscription')).body).toEqual({
      ...{ tier: 'free', status: 'active', renewsAt: null, endsAt: null, graceEndsAt: null },
      ...{ isCancelling: false, nextCharge: null, card: null, hasPortal: false, openCheckout: null },
    });
    const payer = await buy();
    const asked = (await standIn.dev<unknown[]>('/requests')).length;
    const at = iso(payer.periodEnd);
    expect(await shown(payer)).toEqual({
      ...{ tier: 'paid', status: 'active', renewsAt: at, endsAt: null, graceEndsAt: null },
      isCancelling: false,
      nextCharge: { amount: 4_900, currency: 'usd', at },
      card: { brand: 'visa', last4: '4242', expMonth: 12, expYear: 2040 },
      ...{ hasPortal: true, openCheckout: null },
    });
    expect(await standIn.dev('/requests')).toHaveLength(asked);
    expect(await mailsOf(payer)).toEqual([
      {
        kind: 'paid_welcome',
        key: payer.subscriptionId,
        data: { at, isTrial: false, amount: 4_900, currency: 'usd' },
      },
    ]);
  });

  it('A mail about a payment reaches an owner who has not confirmed the address', async () => {
    const payer = await buy();
    const rows = await api.sql(
      `select m.recipient, u.email_verified from mails m join users u on u.email = m.recipient where m.tenant_id = $1`,
      [payer.tenantId],
    );
    expect(rows).toEqual([{ recipient: payer.member.email, email_verified: false }]);
  });
});

describe('a renewal that fails', () => {
  it('Each failed payment mails the owners once', async () => {
    const payer = await buy();
    const owners = [payer.member.email, await addOwner(payer)];
    await failNext(payer, 2);
    await advance(payer, payer.periodEnd + 2 * HOUR);
    expect((await kindsOf(payer)).filter((kind) => kind === 'payment_failed')).toHaveLength(owners.length);
    await advance(payer, payer.periodEnd + 2 * HOUR + 4 * DAY);
    const failed = (await mailsOf(payer)).filter(({ kind }) => kind === 'payment_failed');
    expect(failed.map(({ key }) => String(key).split('/')[1])).toEqual(['1', '1', '2', '2']);
    const texts = await textsOf(payer, 'payment_failed');
    expect([...texts.keys()].sort()).toEqual(owners.sort());
    for (const text of [...texts.values()].flat()) {
      expect(text).toContain('could not collect 49.00 USD');
      // The page that has the button to the portal.
      expect(text).toContain('http://dashboard.test/billing\n');
    }
  });

  it('A past due tenant keeps Paid for seven days', async () => {
    const payer = await buy();
    await failNext(payer, 8);
    await advance(payer, payer.periodEnd + 2 * HOUR);
    const invoice = (await stripe.invoices.list({ customer: payer.customer, status: 'open' })).data[0]!;
    const failedAt = invoice.status_transitions.finalized_at!;
    const graceEndsAt = iso(failedAt + 7 * DAY);
    expect(await shown(payer)).toMatchObject({ tier: 'paid', status: 'past_due', graceEndsAt });
    await advance(payer, failedAt + 6 * DAY);
    expect(await shown(payer)).toMatchObject({ tier: 'paid', status: 'past_due', graceEndsAt });
    expect(await kindsOf(payer)).toContain('grace_ends');
    for (let i = 0; i < 11; i++) await registerAgent(api, payer.member);
  });

  it('The end of grace lowers the tier only', async () => {
    const payer = await buy();
    await failNext(payer, 8);
    await advance(payer, payer.periodEnd + 2 * HOUR);
    await advance(payer, payer.periodEnd + 2 * HOUR + 7 * DAY);
    expect(await shown(payer)).toMatchObject({ tier: 'free', status: 'payment_failed', graceEndsAt: null });
    expect((await kindsOf(payer)).filter((kind) => kind === 'grace_ended')).toHaveLength(1);
    expect((await stripe.subscriptions.retrieve(payer.subscriptionId)).status).toBe('past_due');
    const [invoice] = (await stripe.invoices.list({ customer: payer.customer, status: 'open' })).data;
    await standIn.dev(`/customers/${payer.customer}/fail-next-payment?times=0`, { method: 'POST' });
    await stripe.invoices.pay(invoice!.id);
    await applySubscription(deps(), payer.tenantId);
    expect(await shown(payer)).toMatchObject({ tier: 'paid', status: 'active' });
    expect((await kindsOf(payer)).filter((kind) => kind === 'paid_welcome')).toHaveLength(1);
  });

  it('An extended grace is stored at Stripe and noted once', async () => {
    const payer = await buy();
    await failNext(payer, 8);
    await advance(payer, payer.periodEnd + 2 * HOUR);
    // Later than 7 days, and before the last attempt of Stripe, which cancels.
    const end = payer.periodEnd + 12 * DAY;
    const until = iso(end);
    const requestedBy = { kind: 'system', id: 'operator' } as const;
    const input = { tenantId: payer.tenantId, until, operation: `op/${payer.tenantId}`, requestedBy };
    await Promise.all([1, 2, 3].map(() => extendGrace(deps(), input)));
    await applySubscription(deps(), payer.tenantId);
    const isPaid = { tier: 'paid', status: 'past_due', graceEndsAt: until };
    expect(await shown(payer)).toMatchObject(isPaid);
    expect((await stripe.subscriptions.retrieve(payer.subscriptionId)).metadata).toMatchObject({
      grace_until: until,
    });
    await advance(payer, end - HOUR);
    expect(await shown(payer)).toMatchObject(isPaid);
    await advance(payer, end + HOUR);
    expect(await shown(payer)).toMatchObject({ tier: 'free', status: 'payment_failed' });
    expect(await audited(payer, 'subscription.grace_extended')).toEqual([
      {
        actor_kind: 'system',
        actor_id: 'operator',
        metadata: { subscriptionId: payer.subscriptionId, until },
      },
    ]);
  });
});

const audited = ({ tenantId }: Payer, action: string) =>
  api.sql('select actor_kind, actor_id, metadata from audit_events where tenant_id = $1 and action = $2', [
    tenantId,
    action,
  ]);

describe('changes', () => {
  const change = (payer: Payer, isCancelling: boolean, operation: string) =>
    changeCancellation(deps(), {
      ...{ tenantId: payer.tenantId, isCancelling, operation },
      requestedBy: { kind: 'member', id: payer.member.userId },
    });
  const updatesOf = async ({ subscriptionId }: Payer) =>
    (await standIn.dev<{ method: string; path: string }[]>('/requests')).filter(
      ({ method, path }) => method === 'POST' && path === `/v1/subscriptions/${subscriptionId}`,
    ).length;

  it('A change that is repeated is made and noted once', async () => {
    const payer = await buy();
    const operation = `cancel/${payer.tenantId}`;
    for (let times = 0; times < 3; times++) await change(payer, true, operation);
    expect(await updatesOf(payer)).toBe(1);
    await applySubscription(deps(), payer.tenantId);
    const end = { endsAt: iso(payer.periodEnd), renewsAt: null, isCancelling: true, nextCharge: null };
    expect(await shown(payer)).toMatchObject({ tier: 'paid', ...end });
    expect(await audited(payer, 'subscription.cancellation_requested')).toMatchObject([
      { actor_kind: 'member', actor_id: payer.member.userId },
    ]);
    await change(payer, false, `resume/${payer.tenantId}`);
    await applySubscription(deps(), payer.tenantId);
    expect(await shown(payer)).toMatchObject({
      renewsAt: iso(payer.periodEnd),
      endsAt: null,
      isCancelling: false,
    });
    expect(await audited(payer, 'subscription.resumed')).toHaveLength(1);
    expect((await kindsOf(payer)).filter((kind) => kind === 'subscription_cancelled')).toHaveLength(1);
  });

  it('Each cancellation is confirmed', async () => {
    const payer = await buy();
    for (const [index, isCancelling] of [true, false, true].entries()) {
      await change(payer, isCancelling, `again/${index}/${payer.tenantId}`);
      // A minute later: an operator's clock moves on between two changes.
      await advance(payer, Math.floor(Date.now() / 1_000) + 60 * (index + 1));
    }
    expect((await kindsOf(payer)).filter((kind) => kind === 'subscription_cancelled')).toHaveLength(2);
  });

  it('A date that was set at Stripe is undone too', async () => {
    const payer = await buy();
    const cancelAt = payer.periodEnd - DAY;
    await stripe.subscriptions.update(payer.subscriptionId, { cancel_at: cancelAt });
    await applySubscription(deps(), payer.tenantId);
    expect(await shown(payer)).toMatchObject({ endsAt: iso(cancelAt), isCancelling: true });
    await change(payer, false, `undo/${payer.tenantId}`);
    await applySubscription(deps(), payer.tenantId);
    expect(await shown(payer)).toMatchObject({ endsAt: null, isCancelling: false });
  });

  it('A cancelled subscription stays Paid until its end', async () => {
    const payer = await buy();
    await change(payer, true, `end/${payer.tenantId}`);
    await advance(payer, payer.periodEnd - DAY);
    expect(await shown(payer)).toMatchObject({
      ...{ tier: 'paid', status: 'active' },
      endsAt: iso(payer.periodEnd),
    });
    await advance(payer, payer.periodEnd + HOUR);
    expect(await shown(payer)).toMatchObject({ tier: 'free', status: 'cancelled', isCancelling: false });
    const cancelled = (await mailsOf(payer)).filter(({ kind }) => kind === 'subscription_cancelled');
    expect(cancelled.map(({ data }) => data)).toEqual([{ endsAt: iso(payer.periodEnd) }, { endsAt: null }]);
    await expect(change(payer, true, `late/${payer.tenantId}`)).rejects.toMatchObject({
      code: 'not_subscribed',
    });
  });
});

describe('reminders', () => {
  it('Owners are reminded before each renewal', async () => {
    const payer = await buy();
    const chargeAt = iso(payer.periodEnd);
    const owners = [payer.member.email, await addOwner(payer)];
    const remind = (at: string, days: 7 | 1) =>
      remindOwners(deps(), { tenantId: payer.tenantId, chargeAt: at, days });
    for (const days of [7, 1] as const)
      expect([await remind(chargeAt, days), await remind(chargeAt, days)]).toEqual([true, true]);
    const reminded = () => textsOf(payer, 'charge_reminder');
    const texts = await reminded();
    expect([...texts.keys()].sort()).toEqual(owners.sort());
    for (const own of texts.values()) {
      expect(own).toHaveLength(2);
      for (const text of own) {
        expect(text).toContain(`Stripe charges 49.00 USD on ${chargeAt.slice(0, 10)} (UTC).`);
        expect(text).toContain('http://dashboard.test/billing\n');
      }
    }
    expect(await remind(iso(payer.periodEnd + DAY), 7)).toBe(false);
    await stripe.subscriptions.update(payer.subscriptionId, { cancel_at_period_end: true });
    expect(await remind(chargeAt, 1)).toBe(false);
    expect(await reminded()).toEqual(texts);
  });
});

it('A customer that Stripe has lost counts as no subscription', async () => {
  const payer = await buy();
  await api.sql(`update stripe_customers set customer_id = 'cus_gone' || tenant_id where tenant_id = $1`, [
    payer.tenantId,
  ]);
  const { subscription } = await applySubscription(deps(), payer.tenantId);
  expect(subscription).toBeNull();
  expect(await shown(payer)).toMatchObject({ tier: 'free', card: null, nextCharge: null });
  const portal = await payer.member.post('/billing/portal', {});
  expect([portal.status, portal.body.code]).toEqual([409, 'not_subscribed']);
  expect((await payer.member.get('/billing/invoices')).body).toEqual({ data: [], nextCursor: null });
});

describe('POST /billing/portal', () => {
  it('The portal link opens the Stripe portal', async () => {
    const [payer] = [await buy(), await buy()];
    await stripe.billingPortal.configurations.create({
      features: { invoice_history: { enabled: true }, subscription_cancel: { enabled: true } },
      metadata: { sentryagent: 'portal' },
    });
    const { status, body } = await payer.member.post('/billing/portal', { returnTo: '/billing?tab=card' });
    expect(status).toBe(200);
    const page = await (await fetch(body.url as string)).text();
    expect(page).toContain('http://dashboard.test/billing?tab=card');
    const subscriptions = [...page.matchAll(/sub_\w+/g)].map(([id]) => id);
    expect(subscriptions).toEqual([payer.subscriptionId]);
  });

  it('A tenant without a customer has no portal, and no other address is returned to', async () => {
    const member = await signUp(api);
    const refused = await member.post('/billing/portal', {});
    expect([refused.status, refused.body.code]).toEqual([409, 'not_subscribed']);
    const hostile = [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      'billing',
      '',
    ];
    for (const returnTo of hostile) {
      for (const path of ['/billing/portal', '/billing/checkout']) {
        expect((await member.post(path, { returnTo })).status).toBe(400);
      }
    }
  });
});

describe('GET /billing/invoices', () => {
  it('Invoices show the usage of their period', async () => {
    const payer = await buy();
    await advance(payer, payer.periodEnd + 2 * HOUR);
    const day = (seconds: number) => iso(seconds).slice(0, 10);
    const count = (on: string, metric: string, total: number) =>
      api.sql(
        `insert into usage_events (tenant_id, day, metric, source, count) values ($1, $2, $3, 'test', $4)`,
        [payer.tenantId, on, metric, total],
      );
    await count(day(payer.periodEnd - DAY), 'api_calls', 7);
    await count(day(payer.periodEnd - DAY), 'token_issuances', 3);
    await count(day(payer.periodEnd), 'api_calls', 5);
    await count(day(payer.periodEnd), 'token_issuances', 2);
    const { body } = await payer.member.get('/billing/invoices');
    const paid = { status: 'paid', amountPaid: 4_900, amountRefunded: 0, isDisputed: false, currency: 'usd' };
    expect(body).toMatchObject({
      data: [
        { ...paid, periodStart: iso(payer.periodEnd), usage: { api_calls: 5, token_issuances: 2 } },
        { ...paid, periodEnd: iso(payer.periodEnd), usage: { token_issuances: 3 } },
      ],
      nextCursor: null,
    });
    const [first, second] = body.data as { pageUrl: string; usage: { api_calls: number } }[];
    expect(second!.usage.api_calls).toBeGreaterThanOrEqual(7);
    expect((await fetch(first!.pageUrl)).status).toBe(200);
    const page = (await payer.member.get('/billing/invoices?limit=1')).body;
    expect(page.data).toHaveLength(1);
    const next = await payer.member.get(`/billing/invoices?limit=1&cursor=${page.nextCursor as string}`);
    expect(next.body).toMatchObject({ data: [{ periodEnd: iso(payer.periodEnd) }], nextCursor: null });
  });

  it('Invoices show the usage of their period, and not of a proration', async () => {
    const payer = await buy();
    const page = await stripe.invoices.list({ customer: payer.customer });
    const [line] = page.data[0]!.lines.data;
    const { start, end } = line!.period;
    const proration = {
      period: { start: start - 10 * DAY, end: start - DAY },
      parent: { subscription_item_details: { proration: true } },
    };
    // As Stripe lists a change of the plan: before the plan itself.
    const changed = { ...page.data[0]!, lines: { data: [proration, line] } };
    const altered = {
      charges: stripe.charges,
      invoices: { list: async () => ({ data: [changed], has_more: false }) },
    } as unknown as Stripe;
    const { rows } = await listInvoices({ db: api.deps.db, stripe: altered }, payer.tenantId, { limit: 10 });
    expect(rows).toMatchObject([{ periodStart: iso(start), periodEnd: iso(end) }]);
  });

  it('A tenant sees its own invoices alone', async () => {
    const [payer, other] = [await buy(), await buy()];
    const listed = async ({ member }: Payer) =>
      ((await member.get('/billing/invoices')).body.data as { invoiceId: string }[]).map(
        ({ invoiceId }) => invoiceId,
      );
    const [own, foreign] = [await listed(payer), await listed(other)];
    expect(own).toHaveLength(1);
    expect(own).not.toEqual(foreign);
    const cursor = Buffer.from(foreign[0]!).toString('base64url');
    const { body } = await payer.member.get(`/billing/invoices?cursor=${cursor}`);
    expect(
      (body.data as { invoiceId: string }[]).filter(({ invoiceId }) => !own.includes(invoiceId)),
    ).toEqual([]);
    for (const bad of [
      'x',
      Buffer.from('in_none').toString('base64url'),
      Buffer.from('in_a&b').toString('base64url'),
    ]) {
      expect((await payer.member.get(`/billing/invoices?cursor=${bad}`)).status).toBe(400);
    }
    expect((await (await signUp(api)).get('/billing/invoices')).body).toEqual({ data: [], nextCursor: null });
  });
});

describe('who may change the subscription', () => {
  const WRITES = ['/billing/subscription/cancel', '/billing/subscription/resume', '/billing/portal'];

  it('A member without the role can look and change nothing', async () => {
    const payer = await buy();
    await api.sql(`update members set role = 'member' where tenant_id = $1`, [payer.tenantId]);
    for (const path of WRITES) {
      const { status, body } = await payer.member.post(path, {});
      expect([status, body.code]).toEqual([403, 'forbidden']);
    }
    for (const path of ['/billing/subscription', '/billing/invoices'])
      expect((await payer.member.get(path)).status).toBe(200);
  });

  it('Changes without Temporal answer 503 quickly', async () => {
    const payer = await buy();
    for (const path of WRITES.slice(0, 2)) {
      const { status, headers } = await payer.member.post(path, {});
      expect([status, headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    }
  });

  it('A tenant without a subscription has nothing to cancel', async () => {
    const member = await signUp(api);
    for (const path of WRITES) {
      const { status, body } = await member.post(path, {});
      expect([status, body.code]).toEqual([409, 'not_subscribed']);
    }
  });
});

it('A paid period is the Stripe period', () =>
  onOneDay(async (today) => {
    const payer = await buy();
    const use = (day: string, count: number) =>
      api.sql(
        `insert into usage_events (tenant_id, day, metric, source, count) values ($1, $2, 'api_calls', 'x', $3)`,
        [payer.tenantId, day, count],
      );
    await use(new Date(Date.parse(today) - DAY * 1_000).toISOString().slice(0, 10), 40);
    await use(today, 2);
    const { period, metrics } = await usageOf(payer.member);
    const subscription = await stripe.subscriptions.retrieve(payer.subscriptionId);
    const [item] = subscription.items.data;
    const iso = (seconds: number) => new Date(seconds * 1_000).toISOString();
    expect(period).toEqual({ start: iso(item!.current_period_start), end: iso(item!.current_period_end) });
    expect(metrics.api_calls!.period).toBe(2);
  }));

it('A downgraded tenant keeps agents but adds none', async () => {
  const payer = await buy();
  const agents = [];
  for (let i = 0; i < 14; i++) agents.push(await registerAgent(api, payer.member));
  await stripe.subscriptions.cancel(payer.subscriptionId);
  await applySubscription(deps(), payer.tenantId);
  expect(await shown(payer)).toMatchObject({ tier: 'free', status: 'cancelled' });
  for (const { clientId, clientSecret } of agents) {
    const form = { grant_type: 'client_credentials' };
    const { status, body: token } = await requestToken(api, basic(clientId, clientSecret), form);
    expect(status).toBe(200);
    const headers = { authorization: `Bearer ${token.access_token as string}` };
    const own = await call(api, `/agents/${clientId}`, { headers });
    expect([own.status, own.body.status]).toEqual([200, 'active']);
  }
  const refused = await payer.member.post('/agents', { name: 'one more' });
  expect([refused.status, refused.body]).toMatchObject([
    429,
    { error: 'free_tier_limit', limit: 'agents', max: 10, used: 14 },
  ]);
});
