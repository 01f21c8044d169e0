import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Stripe } from 'stripe';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CARD, advanceTo, clientOf, openSession, submit } from '../../dev/stripe/test/journey.ts';
import { startStripe } from '../../dev/stripe/test/stand-in.ts';
import type { StripeStandIn } from '../../dev/stripe/test/stand-in.ts';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';
import type { Temporal } from '../src/platform/temporal.ts';
import { deliverStripeEvents } from '../src/services/billing/events/deliver-stripe-events.ts';
import { storeStripeEvent } from '../src/services/billing/events/store-stripe-event.ts';
import { comparePaidTenants } from '../src/services/billing/reconcile/find-drift.ts';
import { reconcilePaidTenants, reconcileStripe } from '../src/services/billing/reconcile/reconcile.ts';
import { applySubscription } from '../src/services/billing/subscription/apply-subscription.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';
import { appUrl } from './support/servers.ts';

const KEY = 'sk_test_inbox';

let standIn: StripeStandIn;
let stripe: Stripe;
let api: TestApi;
beforeAll(async () => {
  standIn = await startStripe();
  stripe = clientOf(standIn, KEY);
  api = await startApi();
});
afterAll(async () => {
  const violations = await standIn.dev('/violations');
  await api.close();
  await standIn.stop();
  expect(violations).toEqual([]);
});
beforeEach(() => api.sql('delete from stripe_events'));

/** A Temporal that notes whom it nudges and starts, and where all workflows run but those named. */
const noting = (withoutRun: string[] = []) => {
  const nudged: string[] = [];
  const note = (workflowId: string) => void nudged.push(workflowId.split('/')[1]!);
  const workflow = {
    getHandle: (workflowId: string) => ({ signal: async () => note(workflowId) }),
    signalWithStart: async (_name: string, { workflowId }: { workflowId: string }) => note(workflowId),
    list: async function* ({ query }: { query: string }) {
      for (const [, workflowId] of query.matchAll(/'(subscription\/[^']+)'/g)) {
        if (!withoutRun.some((tenantId) => workflowId!.includes(tenantId))) yield { workflowId };
      }
    },
  };
  const temporal = {
    within: (_ms: number, work: (client: object) => Promise<unknown>) => work({ workflow }),
  } as unknown as Temporal;
  return { temporal, nudged: () => nudged.toSorted() };
};

const deps = (temporal: Temporal = noting().temporal) => ({ ...api.deps, stripe, temporal });

interface Tenant {
  tenantId: string;
  customer: string;
}

/** A tenant with a customer at Stripe. */
const join = async (): Promise<Tenant> => {
  const { tenantId, email } = await signUp(api);
  const { id: customer } = await stripe.customers.create({ email, metadata: { tenant_id: tenantId } });
  await api.sql('insert into stripe_customers (tenant_id, customer_id) values ($1, $2)', [
    tenantId,
    customer,
  ]);
  return { tenantId, customer };
};

const pay = async ({ customer }: Pick<Tenant, 'customer'>): Promise<void> => {
  await submit((await openSession(stripe, { customer })).url!, CARD);
};

/** A tenant that has paid, and whose row says so. */
const buy = async (): Promise<Tenant> => {
  const tenant = await join();
  await pay(tenant);
  await applySubscription(deps(), tenant.tenantId);
  return tenant;
};

const rowOf = async ({ tenantId }: Tenant) =>
  (await api.sql('select tier, status from tenant_subscriptions where tenant_id = $1', [tenantId]))[0];
const isCancelling = async ({ tenantId }: Tenant) =>
  (await api.sql('select is_cancelling from tenant_subscriptions where tenant_id = $1', [tenantId]))[0]!
    .is_cancelling;
const quarantined = () =>
  api.sql(
    'select id, quarantined_because from stripe_events where quarantined_because is not null order by id',
  );
const pending = () => api.sql('select id from stripe_events where settled_at is null');

let events = 0;
const event = (type: string, object: object) => ({
  id: `evt_inbox_${++events}`,
  type,
  created: Math.floor(Date.now() / 1_000),
  data: { object },
});
const deliver = async (given: ReturnType<typeof event>) => {
  const { temporal, nudged } = noting();
  await storeStripeEvent(api.deps.db, given);
  await deliverStripeEvents(deps(temporal));
  return nudged();
};

const run = (name: string, ...args: string[]) =>
  promisify(execFile)(
    process.execPath,
    [fileURLToPath(new URL(`../src/${name}/main.ts`, import.meta.url)), ...args],
    {
      env: {
        ...bareEnvironment,
        APP_DATABASE_URL: appUrl(api.database),
        STRIPE_SECRET_KEY: KEY,
        STRIPE_API_URL: standIn.url,
        // Nobody listens there.
        TEMPORAL_ADDRESS: '127.0.0.1:9',
      },
    },
  );

describe('events that are put aside', () => {
  const subscription = (customer: string, metadata: object = {}) =>
    event('customer.subscription.updated', { id: 'sub_1', object: 'subscription', customer, metadata });

  it('Metadata naming another tenant changes nothing', async () => {
    const [own, other] = [await buy(), await join()];
    const given = subscription(own.customer, { tenant_id: other.tenantId });
    expect(await deliver(given)).toEqual([]);
    expect(await pending()).toEqual([]);
    expect([await rowOf(own), await rowOf(other)]).toEqual([
      { tier: 'paid', status: 'active' },
      { tier: 'free', status: 'active' },
    ]);
    const { stdout } = await run('billing-events', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      {
        eventId: given.id,
        customerId: own.customer,
        metadataTenantId: other.tenantId,
        reason: 'metadata_of_other_tenant',
      },
    ]);
    expect((await run('billing-events')).stdout).toContain(`${given.id}  customer.subscription.updated`);
  });

  it.each<[string, (tenant: Tenant, other: string) => object]>([
    ['text that is no id', () => ({ metadata: { tenant_id: 'a\u0000b' } })],
    ['a number', () => ({ metadata: { tenant_id: 7 } })],
    [
      'the subscription of an invoice',
      (_tenant, other) => ({
        metadata: {},
        parent: { subscription_details: { metadata: { tenant_id: other } } },
      }),
    ],
  ])('Odd metadata is put aside: %s', async (_what, fields) => {
    const [tenant, other] = [await join(), await join()];
    const object = { object: 'invoice', customer: tenant.customer, ...fields(tenant, other.tenantId) };
    expect(await deliver(event('invoice.paid', object))).toEqual([]);
    expect(await quarantined()).toMatchObject([{ quarantined_because: 'metadata_of_other_tenant' }]);
  });

  it('An event of an unknown customer is put aside', async () => {
    const { id } = subscription('cus_unknown');
    expect(await deliver({ ...subscription('cus_unknown'), id })).toEqual([]);
    expect(await quarantined()).toEqual([{ id, quarantined_because: 'unknown_customer' }]);
  });

  it('but one whose metadata agrees, or names nobody, is delivered', async () => {
    const tenant = await join();
    for (const metadata of [{}, { tenant_id: tenant.tenantId }]) {
      expect(await deliver(subscription(tenant.customer, metadata))).toEqual([tenant.tenantId]);
    }
    expect(await quarantined()).toEqual([]);
  });
});

describe('refunds and disputes', () => {
  const entriesOf = ({ tenantId }: Tenant) =>
    api.sql(
      `select action, metadata from audit_events where tenant_id = $1 and action like 'invoice.%' order by action desc, metadata->>'type' desc`,
      [tenantId],
    );

  it('A refund and a dispute are noted once, and change no tier', async () => {
    const tenant = await buy();
    const [charge] = (await stripe.charges.list({ customer: tenant.customer })).data;
    await standIn.dev(`/charges/${charge!.id}/refund?amount=900`, { method: 'POST' });
    const dispute = await standIn.dev<{ id: string }>(`/charges/${charge!.id}/dispute`, { method: 'POST' });
    await standIn.dev(`/disputes/${dispute.id}/close?status=lost`, { method: 'POST' });
    // The webhooks are lost: the reconciliation finds the events.
    for (const _time of [1, 2]) {
      await reconcileStripe(deps(), { after: null });
      await api.sql('update stripe_events set settled_at = null, leased_until = null');
      await deliverStripeEvents(deps());
    }
    const common = { chargeId: charge!.id, paymentIntentId: charge!.payment_intent, currency: 'usd' };
    expect(await entriesOf(tenant)).toEqual([
      {
        action: 'invoice.refunded',
        metadata: { ...common, type: 'charge.refunded', objectId: charge!.id, totalRefunded: 900 },
      },
      ...['charge.dispute.created', 'charge.dispute.closed'].map((type) => ({
        action: 'invoice.disputed',
        metadata: { ...common, type, objectId: dispute.id, amount: 4_900 },
      })),
    ]);
    expect(await rowOf(tenant)).toEqual({ tier: 'paid', status: 'active' });
    expect(await quarantined()).toEqual([]);
  });

  it('Each part of a refund is noted with the total', async () => {
    const tenant = await buy();
    const [charge] = (await stripe.charges.list({ customer: tenant.customer })).data;
    for (const amount of [900, 1_000])
      await standIn.dev(`/charges/${charge!.id}/refund?amount=${amount}`, { method: 'POST' });
    await reconcileStripe(deps(), { after: null });
    await deliverStripeEvents(deps());
    const metadata = (await entriesOf(tenant)).map((entry) => entry.metadata as object);
    expect(metadata).toHaveLength(2);
    expect(metadata.map((one) => 'amount' in one)).toEqual([false, false]);
    const totals = metadata.map((one) => (one as { totalRefunded: number }).totalRefunded);
    expect(totals.sort((one, other) => one - other)).toEqual([900, 1_900]);
  });

  it('A dispute of a charge that is not ours is put aside', async () => {
    const { id: customer } = await stripe.customers.create({ email: 'nobody@example.com' });
    await pay({ customer });
    const [charge] = (await stripe.charges.list({ customer })).data;
    // The charge of somebody else, and one that this Stripe account does not have.
    for (const id of [charge!.id, 'ch_gone']) {
      const dispute = { id: 'dp_1', object: 'dispute', charge: id, amount: 1, currency: 'usd' };
      expect(await deliver(event('charge.dispute.created', dispute))).toEqual([]);
    }
    const because = { quarantined_because: 'unknown_customer' };
    expect(await quarantined()).toMatchObject([because, because]);
  });
});

it('A test clock that is ready nudges its customers', async () => {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: Math.floor(Date.now() / 1_000) });
  const tenants = [await join(), await join()];
  for (const { tenantId } of tenants) {
    const { id } = await stripe.customers.create({ test_clock: clock.id });
    await api.sql('update stripe_customers set customer_id = $2 where tenant_id = $1', [tenantId, id]);
  }
  const object = { id: clock.id, object: 'test_helpers.test_clock' };
  expect(await deliver(event('test_helpers.test_clock.ready', object))).toEqual(
    tenants.map(({ tenantId }) => tenantId).sort(),
  );
});

it('An event is delivered by one of several processes', async () => {
  const tenants = await Promise.all(Array.from({ length: 5 }, join));
  for (const { customer } of tenants) {
    for (let i = 0; i < 5; i++)
      await storeStripeEvent(api.deps.db, event('invoice.paid', { object: 'invoice', customer }));
  }
  const processes = Array.from({ length: 4 }, () => noting());
  await Promise.all(processes.map(({ temporal }) => deliverStripeEvents(deps(temporal))));
  expect(processes.flatMap(({ nudged }) => nudged()).sort()).toEqual(
    tenants.map(({ tenantId }) => tenantId).sort(),
  );
  expect(await pending()).toEqual([]);
});

describe('reconciliation', () => {
  /** Runs as the workflow does, and as the workflows of the nudged tenants then do. */
  const reconcile = async (withoutRun: string[] = []): Promise<string[]> => {
    const { temporal, nudged } = noting(withoutRun);
    for (let after: string | null = null; ;) {
      const { next } = await reconcileStripe(deps(temporal), { after });
      if (next === null) break;
      after = next;
    }
    await reconcilePaidTenants(deps(temporal));
    for (const tenantId of nudged()) await applySubscription(deps(), tenantId);
    return nudged();
  };

  it('Four days of lost webhooks are reconciled', async () => {
    await reconcile();
    const [bought, cancelled, ended, kept] = [await join(), await buy(), await buy(), await buy()];
    await pay(bought);
    const idOf = async ({ customer }: Tenant) => (await stripe.subscriptions.list({ customer })).data[0]!.id;
    await stripe.subscriptions.update(await idOf(cancelled), { cancel_at_period_end: true });
    await stripe.subscriptions.cancel(await idOf(ended));
    expect(await reconcile()).toEqual([bought, cancelled, ended].map(({ tenantId }) => tenantId).sort());
    expect(await Promise.all([bought, cancelled, ended, kept].map(rowOf))).toEqual([
      { tier: 'paid', status: 'active' },
      { tier: 'paid', status: 'active' },
      { tier: 'free', status: 'cancelled' },
      { tier: 'paid', status: 'active' },
    ]);
    expect(await Promise.all([bought, cancelled, kept].map(isCancelling))).toEqual([false, true, false]);
    expect(await reconcile()).toEqual([]);
    expect(await reconcile([kept.tenantId])).toEqual([kept.tenantId]);
  });

  it('A tenant with another live subscription is told apart from one to be lowered', async () => {
    const { tenantId, email } = await signUp(api);
    const now = Math.floor(Date.now() / 1_000);
    const { id: clock } = await stripe.testHelpers.testClocks.create({ frozen_time: now });
    const { id: customer } = await stripe.customers.create({ email, test_clock: clock });
    await api.sql('insert into stripe_customers (tenant_id, customer_id) values ($1, $2)', [
      tenantId,
      customer,
    ]);
    await pay({ customer });
    await applySubscription(deps(), tenantId);
    const [first] = (await stripe.subscriptions.list({ customer })).data;
    await advanceTo(stripe, clock, now + 3_600);
    await pay({ customer });
    await standIn.dev(`/customers/${customer}/fail-next-payment?times=16`, { method: 'POST' });
    await advanceTo(stripe, clock, now + 39 * 86_400);
    const drift = (await comparePaidTenants(deps())).find((one) => one.tenantId === tenantId);
    expect(drift).toMatchObject({
      ours: { tier: 'paid' },
      stripe: { tier: 'free', status: 'payment_failed' },
      otherLive: first!.id,
    });
  });
});
