import type { Stripe } from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../src/platform/problem.ts';
import type { Temporal } from '../src/platform/temporal.ts';
import { openCheckoutSession } from '../src/services/billing/checkout/open-checkout-session.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { subscriptionOf } from './support/fake-subscription.ts';

/** Nobody listens there: what is refused before Temporal is asked is refused all the same. */
const AWAY = {
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  STRIPE_SECRET_KEY: 'sk_test_second',
  STRIPE_API_URL: 'http://127.0.0.1:9',
};

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ env: AWAY });
});
afterAll(() => api.close());

type Status = Stripe.Subscription.Status;

/** A Stripe where the tenant's customer has these subscriptions; which pages are made is noted. */
const having = (...statuses: Status[]) => havingPaid(undefined, ...statuses);

/** `payment`: of the session that made the subscriptions. */
const havingPaid = (payment: 'paid' | 'unpaid' | undefined, ...statuses: Status[]) => {
  const made = payment ? [{ status: 'complete', payment_status: payment }] : [];
  const pages: Stripe.Checkout.SessionCreateParams[] = [];
  const customers: string[] = [];
  const emails: (string | undefined)[] = [];
  const create = async (parameters: Stripe.Checkout.SessionCreateParams) => {
    pages.push(parameters);
    return { id: `cs_${pages.length}`, url: 'https://checkout.stripe.test/', expires_at: 1_790_000_000 };
  };
  const stripe = {
    customers: {
      create: async ({ email }: Stripe.CustomerCreateParams) => {
        emails.push(email);
        customers.push(`cus_${crypto.randomUUID()}`);
        return { id: customers.at(-1) };
      },
    },
    subscriptions: {
      list: async () => ({ data: statuses.map((status, index) => subscriptionOf(status, `sub_${index}`)) }),
    },
    prices: { list: async () => ({ data: [{ id: 'price_1' }] }) },
    checkout: { sessions: { create, list: async () => ({ data: made }) } },
  } as unknown as Stripe;
  return { pages, customers, emails, stripe };
};

const openCheckout = async ({ tenantId }: TestMember, createdBy = 'usr_a'): Promise<string> => {
  const checkoutId = `chk_${crypto.randomUUID()}`;
  await api.sql(`insert into checkouts (tenant_id, id, created_by, created_at) values ($1, $2, $3, now())`, [
    tenantId,
    checkoutId,
    createdBy,
  ]);
  return checkoutId;
};

const buy = async (member: TestMember, stripe: Stripe, trialDays = 0, createdBy?: string) => {
  const started: string[] = [];
  const workflow = {
    signalWithStart: async (_name: string, { workflowId }: { workflowId: string }) =>
      void started.push(workflowId),
  };
  const temporal = {
    within: (_ms: number, work: (client: object) => Promise<unknown>) => work({ workflow }),
  } as unknown as Temporal;
  const checkoutId = await openCheckout(member, createdBy);
  const config = { DASHBOARD_URL: 'http://dashboard.test', TRIAL_DAYS: trialDays };
  const key = { tenantId: member.tenantId, checkoutId, expiresAt: new Date().toISOString() };
  const refused = await openCheckoutSession({ db: api.deps.db, stripe, temporal, config }, key).then(
    () => undefined,
    (error: unknown) => error as Problem,
  );
  return { checkoutId, started, refused: refused?.code };
};

describe('A tenant that Stripe still counts on cannot buy twice', () => {
  it.each<[Status, boolean]>([
    ['trialing', true],
    ['active', true],
    ['past_due', true],
    ['unpaid', true],
    ['paused', true],
    ['incomplete', false],
    ['incomplete_expired', false],
    ['canceled', false],
  ])('%s holds it: %s', async (status, isHeld) => {
    const member = await signUp(api);
    const { pages, stripe } = having('canceled', status);
    const { started, refused } = await buy(member, stripe);
    expect(refused).toBe(isHeld ? 'already_subscribed' : undefined);
    expect(pages).toHaveLength(isHeld ? 0 : 1);
    // Our row did not know: the run that reads it anew is started, or nudged.
    expect(started).toEqual(isHeld ? [`subscription/${member.tenantId}`] : []);
  });

  it.each(['active', 'trial', 'past_due'])('by our own row, before anybody is asked: %s', async (status) => {
    const member = await signUp(api);
    await api.sql(`update tenant_subscriptions set tier = 'paid', status = $2 where tenant_id = $1`, [
      member.tenantId,
      status,
    ]);
    const reply = await member.post('/billing/checkout', {});
    expect([reply.status, reply.body.code]).toEqual([409, 'already_subscribed']);
    const rows = await api.sql('select id from checkouts where tenant_id = $1', [member.tenantId]);
    expect(rows).toEqual([]);
  });
});

it.each(['unpaid', 'paid'] as const)(
  'A payment that settles later blocks another checkout, also without a row of its own: %s',
  async (payment) => {
    const { pages, stripe } = havingPaid(payment, 'incomplete');
    const { refused } = await buy(await signUp(api), stripe);
    const isProcessing = payment === 'unpaid';
    expect(refused).toBe(isProcessing ? 'payment_processing' : undefined);
    expect(pages).toHaveLength(isProcessing ? 0 : 1);
  },
);

describe('A trial is given once', () => {
  const trialOf = async (statuses: Status[], trialDays: number): Promise<unknown> => {
    const { pages, stripe } = having(...statuses);
    expect((await buy(await signUp(api), stripe, trialDays)).refused).toBeUndefined();
    return pages[0]!.subscription_data!.trial_period_days;
  };

  it.each<[string, Status[], number, number | undefined]>([
    ['a first subscription has one', [], 14, 14],
    ['and none where none is set', [], 0, undefined],
    ['one that was never paid for used none up', ['incomplete_expired', 'incomplete'], 14, 14],
    ['one that has ended used it up', ['canceled'], 14, undefined],
    ['wherever it stands among others', ['incomplete_expired', 'canceled', 'incomplete'], 14, undefined],
  ])('%s', async (_what, statuses, trialDays, trial) => {
    expect(await trialOf(statuses, trialDays)).toBe(trial);
  });

  it('though Stripe knows the customer of the first one no more', async () => {
    const member = await signUp(api);
    const { pages, stripe } = having();
    const first = await buy(member, stripe, 14);
    await api.sql(`update checkouts set status = 'completed', closed_at = now() where id = $1`, [
      first.checkoutId,
    ]);
    await buy(member, stripe, 14);
    expect(pages.map((page) => page.subscription_data!.trial_period_days)).toEqual([14, undefined]);
  });

  it('but not to nobody: a page that was left unpaid used none up', async () => {
    const member = await signUp(api);
    const { pages, stripe } = having();
    const first = await buy(member, stripe, 14);
    await api.sql(`update checkouts set status = 'expired', closed_at = now() where id = $1`, [
      first.checkoutId,
    ]);
    await buy(member, stripe, 14);
    expect(pages.map((page) => page.subscription_data!.trial_period_days)).toEqual([14, 14]);
  });
});

it('Stripe has the address of the owner who buys, or of the first owner', async () => {
  const { emails, stripe } = having();
  const asked: (string | undefined)[] = [];
  for (const buyer of ['first', 'second', 'nobody']) {
    const [first, second] = [await signUp(api), await signUp(api)];
    await api.sql(`update members set tenant_id = $1 where user_id = $2`, [first.tenantId, second.userId]);
    const { userId = 'agt_a', email = first.email } = { first, second }[buyer] ?? {};
    await buy(first, stripe, 0, userId);
    asked.push(email);
  }
  expect(emails).toEqual(asked);
});

it('A tenant has one customer at Stripe, whose pages carry it', async () => {
  const [one, other] = [await signUp(api), await signUp(api)];
  const { pages, customers, stripe } = having();
  for (const member of [one, one, other]) {
    const { checkoutId } = await buy(member, stripe);
    await api.sql(`update checkouts set status = 'expired', closed_at = now() where id = $1`, [checkoutId]);
  }
  expect(customers).toHaveLength(2);
  expect(pages.map(({ customer }) => customer)).toEqual([customers[0], customers[0], customers[1]]);
  const rows = await api.sql(
    'select tenant_id, customer_id from stripe_customers where tenant_id = any ($1)',
    [[one.tenantId, other.tenantId]],
  );
  expect(new Map(rows.map((row) => [row.tenant_id, row.customer_id]))).toEqual(
    new Map([
      [one.tenantId, customers[0]],
      [other.tenantId, customers[1]],
    ]),
  );
});
