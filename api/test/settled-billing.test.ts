import { WorkflowNotFoundError } from '@temporalio/client';
import { Stripe as StripeSdk } from 'stripe';
import type { Stripe } from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import type { Temporal } from '../src/platform/temporal.ts';
import { acceptStripeEvent } from '../src/services/billing/events/accept-stripe-event.ts';
import { applySubscription } from '../src/services/billing/subscription/apply-subscription.ts';
import { closeCheckout } from '../src/services/billing/checkout/close-checkout.ts';
import { deliverStripeEvents } from '../src/services/billing/events/deliver-stripe-events.ts';
import { getCheckout } from '../src/services/billing/checkout/get-checkout.ts';
import { openCheckoutSession } from '../src/services/billing/checkout/open-checkout-session.ts';
import { repairCheckout } from '../src/services/billing/checkout/repair-checkout.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';
import { subscriptionOf, withoutPayments } from './support/fake-subscription.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** A tenant with a customer at Stripe, which has the same name. */
const customer = async (): Promise<string> => {
  const { tenantId } = await signUp(api);
  await api.sql('insert into stripe_customers (tenant_id, customer_id) values ($1, $1)', [tenantId]);
  return tenantId;
};

const SECONDS = 1_790_000_000;

/** A Stripe that answers each question for subscriptions when, and with what, the test says. */
const answering = (...answers: Promise<object[]>[]): Stripe =>
  ({
    ...withoutPayments,
    subscriptions: { list: async () => ({ data: await answers.shift() }) },
  }) as unknown as Stripe;

const rowOf = async (tenantId: string) =>
  (
    await api.sql('select tier, status, subscription_id from tenant_subscriptions where tenant_id = $1', [
      tenantId,
    ])
  )[0];
const updatesOf = (tenantId: string) =>
  api.sql(
    `select metadata->>'status' as status from audit_events
     where tenant_id = $1 and action = 'subscription.updated' order by sequence`,
    [tenantId],
  );

describe('A look that is overtaken writes nothing', () => {
  const paid = { tier: 'paid', status: 'active', subscription_id: 'sub_1' };
  const over = { tier: 'free', status: 'cancelled', subscription_id: 'sub_1' };

  it.each([
    ['an older "canceled" does not end what is paid', 'canceled', 'active', paid],
    ['an older "active" does not bring back what has ended', 'active', 'canceled', over],
  ] as const)('%s', async (_what, older, newer, row) => {
    const tenantId = await customer();
    const late = Promise.withResolvers<object[]>();
    const asked = Promise.withResolvers<void>();
    const slow = {
      ...withoutPayments,
      subscriptions: {
        list: async () => {
          asked.resolve();
          return { data: await late.promise };
        },
      },
    } as unknown as Stripe;
    const first = applySubscription({ ...api.deps, stripe: slow }, tenantId);
    await asked.promise;
    const quick = answering(Promise.resolve([subscriptionOf(newer)]));
    await applySubscription({ ...api.deps, stripe: quick }, tenantId);
    expect(await rowOf(tenantId)).toEqual(row);
    late.resolve([subscriptionOf(older)]);
    await first;
    expect(await rowOf(tenantId)).toEqual(row);
    expect(await updatesOf(tenantId)).toEqual([{ status: row.status }]);
  });

  it('a later look is written, and the same again leaves no second entry', async () => {
    const tenantId = await customer();
    for (const status of ['active', 'active', 'canceled', 'canceled'] as const) {
      const stripe = answering(Promise.resolve([subscriptionOf(status)]));
      await applySubscription({ ...api.deps, stripe }, tenantId);
    }
    expect(await rowOf(tenantId)).toEqual(over);
    expect(await updatesOf(tenantId)).toEqual([{ status: 'active' }, { status: 'cancelled' }]);
  });
});

/** A Temporal without a run; what is started in it is noted. */
const empty = () => {
  const started: string[] = [];
  const workflow = {
    getHandle: (workflowId: string) => ({
      signal: () => Promise.reject(new WorkflowNotFoundError('there is none', workflowId, undefined)),
    }),
    signalWithStart: async (_name: string, { workflowId }: { workflowId: string }) =>
      void started.push(workflowId),
  };
  const temporal = {
    within: (_ms: number, work: (client: object) => Promise<unknown>) => work({ workflow }),
  } as unknown as Temporal;
  return { temporal, started };
};

const storeEvent = (customerId: string) =>
  api.sql(
    `insert into stripe_events (id, type, customer_id, created_at)
     values ('evt_' || $1, 'customer.subscription.updated', $1, now())`,
    [customerId],
  );
const pending = () => api.sql('select id from stripe_events where settled_at is null');

describe('A late event raises no subscription that has ended', () => {
  it.each([
    ['active', 'free'],
    ['cancelled', 'free'],
  ])('of a tenant that is %s and %s', async (status, tier) => {
    const tenantId = await customer();
    await api.sql('update tenant_subscriptions set tier = $2, status = $3 where tenant_id = $1', [
      tenantId,
      tier,
      status,
    ]);
    await storeEvent(tenantId);
    const { temporal, started } = empty();
    await deliverStripeEvents({ ...api.deps, temporal, stripe: answering() });
    expect(started).toEqual([]);
    expect(await pending()).toEqual([]);
  });

  it.each(['active', 'trial', 'past_due'])('but the lost run of a paid one: %s', async (status) => {
    const tenantId = await customer();
    await api.sql(`update tenant_subscriptions set tier = 'paid', status = $2 where tenant_id = $1`, [
      tenantId,
      status,
    ]);
    await storeEvent(tenantId);
    const { temporal, started } = empty();
    await deliverStripeEvents({ ...api.deps, temporal, stripe: answering() });
    expect(started).toEqual([`subscription/${tenantId}`]);
    expect(await pending()).toEqual([]);
  });
});

/** Pages at Stripe, of which each is said to be as it is, and paid; what is done to them is noted. */
const pages = (status: string) => {
  const asked: string[] = [];
  const answer = (what: string) => async (id: string) => {
    asked.push(`${what} ${id}`);
    return { id, status: what === 'expire' ? 'expired' : status, payment_status: 'paid' };
  };
  const sessions = { retrieve: answer('retrieve'), expire: answer('expire') };
  return { asked, stripe: { checkout: { sessions } } as unknown as Stripe };
};

describe('A closed checkout stays closed', () => {
  const CLOSED_AT = new Date('2026-11-01T10:00:00Z');
  const close = async (status: string) => {
    const tenantId = await customer();
    const checkoutId = `chk_${tenantId.slice(4)}`;
    await api.sql(
      `insert into checkouts (tenant_id, id, status, session_id, created_by, created_at, closed_at)
       values ($1, $2, $3, 'cs_1', 'usr_a', $4, $4)`,
      [tenantId, checkoutId, status, CLOSED_AT],
    );
    return { tenantId, checkoutId };
  };
  const checkoutOf = async ({ checkoutId }: { checkoutId: string }) =>
    (await api.sql('select status, session_id, closed_at from checkouts where id = $1', [checkoutId]))[0];
  describe.each(['completed', 'failed', 'expired'])('%s', (status) => {
    const unchanged = { status, session_id: 'cs_1', closed_at: CLOSED_AT };

    it.each(['completed', 'expired'] as const)('whoever closes it once more as %s', async (as) => {
      const key = await close(status);
      await closeCheckout(api.deps, key, as);
      await closeCheckout(api.deps, key, as, { session_id: 'cs_1' });
      expect(await checkoutOf(key)).toEqual(unchanged);
    });

    it.each(['open', 'complete', 'expired'])('whatever a repair finds at Stripe: %s', async (found) => {
      const key = await close(status);
      const { asked, stripe } = pages(found);
      const { temporal, started } = empty();
      await repairCheckout({ ...api.deps, stripe, temporal }, key);
      expect([asked, started]).toEqual([[], []]);
      expect(await checkoutOf(key)).toEqual(unchanged);
    });

    it('whatever event comes', async () => {
      const key = await close(status);
      await storeEvent(key.tenantId);
      const { asked, stripe } = pages('complete');
      const { temporal, started } = empty();
      await deliverStripeEvents({ ...api.deps, stripe, temporal });
      expect([asked, started, await pending()]).toEqual([[], [], []]);
      expect(await checkoutOf(key)).toEqual(unchanged);
    });

    it('not even by a program of ours that would have it open', async () => {
      const key = await close(status);
      const reopen = api.deps.db.withTenant(key.tenantId, (trx) =>
        trx('checkouts').where({ id: key.checkoutId }).update({ status: 'open', closed_at: null }),
      );
      await expect(reopen).rejects.toThrow(/is closed/);
      expect(await checkoutOf(key)).toEqual(unchanged);
    });
  });

  it('a page that is made for it meanwhile is closed at Stripe', async () => {
    const tenantId = await customer();
    const key = { tenantId, checkoutId: `chk_${tenantId.slice(4)}` };
    await api.sql(
      `insert into checkouts (tenant_id, id, created_by, created_at) values ($1, $2, 'usr_a', now())`,
      [tenantId, key.checkoutId],
    );
    const { asked, stripe } = pages('open');
    const { sessions } = stripe.checkout;
    const create = async () => {
      await closeCheckout(api.deps, key, 'expired');
      return { id: 'cs_2', url: 'https://checkout.stripe.test/cs_2', expires_at: SECONDS };
    };
    const selling = {
      subscriptions: { list: async () => ({ data: [] }) },
      prices: { list: async () => ({ data: [{ id: 'price_1' }] }) },
      checkout: { sessions: { ...sessions, create } },
    } as unknown as Stripe;
    const deps = { ...api.deps, stripe: selling, temporal: empty().temporal };
    const config = { DASHBOARD_URL: 'http://dashboard.test', TRIAL_DAYS: 0 };
    const opened = openCheckoutSession({ ...deps, config }, { ...key, expiresAt: new Date().toISOString() });
    await expect(opened).rejects.toMatchObject({ code: 'not_found' });
    expect(asked).toEqual(['retrieve cs_2', 'expire cs_2']);
    expect(await checkoutOf(key)).toMatchObject({ status: 'expired', session_id: null });
  });
});

describe('A checkout whose run is gone is repaired', () => {
  it.each([
    ['open', 'expired', ['retrieve cs_1', 'expire cs_1'], 0],
    ['complete', 'completed', ['retrieve cs_1'], 1],
    ['expired', 'expired', ['retrieve cs_1'], 0],
  ] as const)('its page is %s', async (found, status, asked, subscriptions) => {
    const tenantId = await customer();
    const key = { tenantId, checkoutId: `chk_${tenantId.slice(4)}` };
    await api.sql(
      `insert into checkouts (tenant_id, id, session_id, created_by, created_at) values ($1, $2, 'cs_1', 'usr_a', now())`,
      [tenantId, key.checkoutId],
    );
    const stripe = pages(found);
    const { temporal, started } = empty();
    await repairCheckout({ ...api.deps, stripe: stripe.stripe, temporal }, key);
    expect(stripe.asked).toEqual(asked);
    expect(started).toEqual(Array.from({ length: subscriptions }, () => `subscription/${tenantId}`));
    const [row] = await api.sql('select status, closed_at from checkouts where id = $1', [key.checkoutId]);
    expect(row).toEqual({ status, closed_at: expect.any(Date) });
  });

  it('without a page it stays: its run may be about to start', async () => {
    const tenantId = await customer();
    const key = { tenantId, checkoutId: `chk_${tenantId.slice(4)}` };
    await api.sql(
      `insert into checkouts (tenant_id, id, created_by, created_at) values ($1, $2, 'usr_a', now())`,
      [tenantId, key.checkoutId],
    );
    const { asked, stripe } = pages('open');
    await repairCheckout({ ...api.deps, stripe, temporal: empty().temporal }, key);
    expect(asked).toEqual([]);
    const [row] = await api.sql('select status from checkouts where id = $1', [key.checkoutId]);
    expect(row).toEqual({ status: 'open' });
  });
});

describe('Who asks how a checkout stands has Stripe looked at', () => {
  it.each([
    ['open', 1],
    ['processing', 1],
    ['completed', 0],
    ['expired', 0],
  ])('while it is unfinished: %s', async (status, looks) => {
    const tenantId = await customer();
    const checkoutId = newId('chk');
    await api.sql(
      `insert into checkouts (tenant_id, id, status, created_by, created_at, closed_at)
       values ($1, $2, $3, 'usr_a', now(), case when $3 in ('open', 'processing') then null else now() end)`,
      [tenantId, checkoutId, status],
    );
    const looked: object[] = [];
    const stripeEvents = { lookAt: (key: object) => void looked.push(key) };
    const found = await getCheckout({ db: api.deps.db, stripeEvents }, tenantId, checkoutId);
    expect(found.status).toBe(status);
    expect(looked).toEqual(Array.from({ length: looks }, () => ({ tenantId, checkoutId })));
  });
});

describe('An event of the other mode is refused', () => {
  const SECRET = 'whsec_secretOfTheTests';
  const accept = (key: string, livemode: boolean) => {
    const config = { STRIPE_SECRET_KEY: key, STRIPE_WEBHOOK_SECRETS: [SECRET] };
    const payload = JSON.stringify({
      id: `evt_${key}_${livemode}`,
      object: 'event',
      type: 'invoice.paid',
      created: Math.floor(Date.now() / 1_000),
      livemode,
      data: { object: { object: 'invoice', customer: 'cus_1' } },
    });
    const signature = StripeSdk.webhooks.generateTestHeaderString({ payload, secret: SECRET });
    return acceptStripeEvent({ ...api.deps, config }, Buffer.from(payload), signature);
  };

  it.each([
    ['sk_test_a', true],
    ['rk_test_a', true],
    ['sk_live_a', false],
    ['rk_live_a', false],
  ])('with the key %s, one that is live: %s', async (key, livemode) => {
    await expect(accept(key, livemode)).rejects.toMatchObject({ code: 'invalid_signature' });
    expect(await accept(key, !livemode)).toBe(true);
    expect(await accept(key, !livemode)).toBe(false);
  });
});
