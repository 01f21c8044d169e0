import type { Stripe } from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CARD, clientOf, errorOf, openSession, submit } from '../../dev/stripe/test/journey.ts';
import { startStripe } from '../../dev/stripe/test/stand-in.ts';
import type { StripeStandIn } from '../../dev/stripe/test/stand-in.ts';
import type { Temporal } from '../src/platform/temporal.ts';
import { openCheckoutSession } from '../src/services/billing/checkout/open-checkout-session.ts';
import { deliverStripeEvents } from '../src/services/billing/events/deliver-stripe-events.ts';
import { STRIPE_EVENTS } from '../src/services/billing/events/event-types.ts';
import { pollStripeEvents } from '../src/services/billing/events/poll-stripe-events.ts';
import { storeStripeEvent } from '../src/services/billing/events/store-stripe-event.ts';
import { listInvoices } from '../src/services/billing/invoices/list-invoices.ts';
import { setUpStripe } from '../src/services/billing/set-up/set-up-stripe.ts';
import { applySubscription } from '../src/services/billing/subscription/apply-subscription.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';

const PRICE = {
  lookupKey: 'sentryagent_paid_monthly',
  amount: 4_900,
  currency: 'usd',
  interval: 'month',
} as const;

let standIn: StripeStandIn;
let stripe: Stripe;
let api: TestApi;
beforeAll(async () => {
  standIn = await startStripe();
  stripe = clientOf(standIn);
  api = await startApi();
});
afterAll(async () => {
  const violations = await standIn.dev('/violations');
  await api.close();
  await standIn.stop();
  expect(violations).toEqual([]);
});

/** A Temporal that notes whom it nudges. */
const noting = () => {
  const nudged: string[] = [];
  const signal = (workflowId: string) => async () => void nudged.push(workflowId);
  const workflow = { getHandle: (workflowId: string) => ({ signal: signal(workflowId) }) };
  const within = (_ms: number, work: (client: object) => Promise<unknown>) => work({ workflow });
  return { nudged, temporal: { within } as unknown as Temporal };
};
const deps = (temporal: Temporal = noting().temporal) => ({ ...api.deps, stripe, temporal });

/** A tenant with a customer at Stripe that has paid. */
const buy = async () => {
  const { tenantId, email } = await signUp(api);
  const { id: customer } = await stripe.customers.create({ email, metadata: { tenant_id: tenantId } });
  const ids = [tenantId, customer];
  await api.sql('insert into stripe_customers (tenant_id, customer_id) values ($1, $2)', ids);
  await submit((await openSession(stripe, { customer })).url!, CARD);
  await applySubscription(deps(), tenantId);
  return { tenantId, customer };
};

describe('events', () => {
  it('A changed card is read at once', async () => {
    const { tenantId, customer } = await buy();
    const { temporal, nudged } = noting();
    await pollStripeEvents(api.deps.db, stripe, new Date());
    await deliverStripeEvents(deps(temporal));
    nudged.length = 0;
    await stripe.customers.update(customer, { name: 'Ada King' });
    await pollStripeEvents(api.deps.db, stripe, new Date());
    await deliverStripeEvents(deps(temporal));
    expect(nudged).toEqual([`subscription/${tenantId}`]);
    expect(STRIPE_EVENTS).toContain('payment_method.automatically_updated');
    // Stripe lists events by at most 20 types.
    expect(STRIPE_EVENTS.length).toBeLessThanOrEqual(20);
  });

  it('The version of an endpoint does not matter', async () => {
    const { customer } = await buy();
    const details = { subscription: 'sub_1', metadata: { tenant_id: 'ten_other' } };
    const invoice = { object: 'invoice', id: 'in_1', customer, metadata: {} };
    const forms = {
      before: { subscription_details: details },
      now: { parent: { subscription_details: details } },
    };
    for (const [name, form] of Object.entries(forms)) {
      const id = `evt_form_${name}`;
      const created = Math.floor(Date.now() / 1_000);
      const event = { id, type: 'invoice.paid', created, data: { object: { ...invoice, ...form } } };
      await storeStripeEvent(api.deps.db, event);
      await deliverStripeEvents(deps());
      const rows = await api.sql('select quarantined_because from stripe_events where id = $1', [id]);
      expect(rows).toEqual([{ quarantined_because: 'metadata_of_other_tenant' }]);
    }
  });
});

it('A proration does not move the period of an invoice', async () => {
  const { tenantId, customer } = await buy();
  const [invoice] = (await stripe.invoices.list({ customer })).data;
  const [renewal] = invoice!.lines.data;
  const line = (parent: object) => ({ ...renewal, parent, period: { start: 1, end: 86_401 } });
  const added = [
    line({ type: 'invoice_item_details', invoice_item_details: { proration: true } }),
    line({ type: 'invoice_item_details', invoice_item_details: { proration: false } }),
    line({ type: 'subscription_item_details', subscription_item_details: { proration: true } }),
  ];
  const odd = { ...invoice, lines: { ...invoice!.lines, data: [...added, renewal] } };
  const list = async () => ({ data: [odd], has_more: false });
  const asked = { charges: stripe.charges, invoices: { list } } as unknown as Stripe;
  const { rows } = await listInvoices({ db: api.deps.db, stripe: asked }, tenantId, { limit: 10 });
  const iso = (seconds: number) => new Date(seconds * 1_000).toISOString();
  expect(rows).toMatchObject([
    { periodStart: iso(renewal!.period.start), periodEnd: iso(renewal!.period.end) },
  ]);
});

it('An address that Stripe refuses is asked for at Stripe', async () => {
  const email = 'ada@company';
  expect(await errorOf(stripe.customers.create({ email }))).toMatchObject({ code: 'email_invalid' });
  const { tenantId, userId } = await signUp(api);
  await api.sql('update users set email = $1 where id = $2', [email, userId]);
  await setUpStripe(stripe, {
    ...{ price: PRICE, publicUrl: 'http://localhost:3000', dashboardUrl: 'http://dashboard.test' },
    ...{ secretIsKnown: true, keepSecret: () => {} },
  });
  const key = { tenantId, checkoutId: `chk_${crypto.randomUUID()}` };
  await api.sql(`insert into checkouts (tenant_id, id, created_by, created_at) values ($1, $2, $3, now())`, [
    tenantId,
    key.checkoutId,
    userId,
  ]);
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const config = { ...api.deps.config, TRIAL_DAYS: 0 };
  const open = () => openCheckoutSession({ ...deps(), config }, { ...key, expiresAt });
  const { url, sessionId } = await open();
  expect((await fetch(url)).status).toBe(200);
  expect((await open()).sessionId).toBe(sessionId);
  const { customer } = await stripe.checkout.sessions.retrieve(sessionId);
  const made = (await stripe.customers.retrieve(customer as string)) as Stripe.Customer;
  expect([made.email, made.metadata.tenant_id]).toEqual([null, tenantId]);
});
