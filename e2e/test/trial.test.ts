import type { ApiError } from '@sentryagent/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckout, payByHttp } from './support/checkout-page.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { until } from '../../dev/test/support/until.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

const DAY = 86_400;

let stack: SellingStack;
beforeAll(async () => {
  stack = await startSellingStack({ RATE_LIMIT_MAX_REQUESTS: '1000000', TRIAL_DAYS: '14' });
});
afterAll(() => stack.close());

interface Subscription {
  id: string;
  status: string;
  trial_start: number | null;
  trial_end: number | null;
}

const becomes = (person: SignedUp, tier: string): Promise<void> =>
  until(`the tenant is ${tier}`, async () => (await person.api.billing.usage()).tier === tier);

const listAt = async <T>({ tenantId }: SignedUp, path: string): Promise<T[]> => {
  const [row] = await stack.sql('select customer_id from stripe_customers where tenant_id = $1', [tenantId]);
  const query = `customer=${row!.customer_id as string}&limit=100`;
  return (await stack.billing.ask<{ data: T[] }>(`${path}${query}`)).data;
};
const subscriptionsOf = (person: SignedUp) => listAt<Subscription>(person, '/subscriptions?status=all&');

const atStripe = (method: string, path: string, body = ''): Promise<Response> =>
  fetch(`${stack.billing.stripeUrl}/v1${path}`, {
    method,
    headers: {
      authorization: 'Bearer sk_test_journeys',
      'content-type': 'application/x-www-form-urlencoded',
    },
    ...(body && { body }),
  });

const buy = async (person: SignedUp): Promise<string> => {
  const { url } = await openCheckout(person);
  const page = await (await fetch(url)).text();
  await payByHttp(url);
  await becomes(person, 'paid');
  return page;
};

/** The runs that follow the tenant's subscription, of which one may be under way. */
const runsOf = async ({ tenantId }: SignedUp) =>
  (await stack.billing.workflows(tenantId)).filter(({ type }) => type === 'subscription');

describe('with a trial of 14 days', () => {
  it('A trial reads Paid with its end, and cannot be bought twice', async () => {
    const person = await signUpByHttp(stack);
    expect(await buy(person)).toContain('14 days free');
    const [subscription] = await subscriptionsOf(person);
    expect(subscription).toMatchObject({ status: 'trialing' });
    expect(subscription!.trial_end! - subscription!.trial_start!).toBe(14 * DAY);
    const usage = await person.api.billing.usage();
    expect(usage).toMatchObject({ tier: 'paid', status: 'trial', renewsAt: null });
    expect(Date.parse(usage.endsAt!)).toBe(subscription!.trial_end! * 1_000);
    const refused = await person.api.billing.startCheckout().catch((error: unknown) => error as ApiError);
    expect(refused).toMatchObject({ status: 409, code: 'already_subscribed' });
    // Nor where our row has forgotten it.
    await stack.sql(`update tenant_subscriptions set tier = 'free' where tenant_id = $1`, [person.tenantId]);
    await until('the checkout is refused', async () => {
      const again = await person.api.billing.startCheckout().catch((error: unknown) => error as ApiError);
      return 'code' in again && again.code === 'already_subscribed';
    });
    await becomes(person, 'paid');
    expect(await subscriptionsOf(person)).toHaveLength(1);
  });

  it('A trial is given once, and a late event does not bring it back', async () => {
    const person = await signUpByHttp(stack);
    await buy(person);
    const [first] = await subscriptionsOf(person);
    await atStripe('DELETE', `/subscriptions/${first!.id}`);
    await becomes(person, 'free');
    expect(await person.api.billing.usage()).toMatchObject({ status: 'cancelled' });
    await until('its run ends', async () =>
      (await runsOf(person)).every(({ status }) => status !== 'RUNNING'),
    );
    const runs = await runsOf(person);

    await atStripe('POST', `/subscriptions/${first!.id}`, 'metadata[late]=yes');
    const late = () =>
      stack.sql(
        `select e.settled_at from stripe_events e join stripe_customers c using (customer_id)
         where c.tenant_id = $1 and e.type = 'customer.subscription.updated'`,
        [person.tenantId],
      );
    await until('the late event is settled', async () => (await late())[0]?.settled_at instanceof Date);
    expect(await runsOf(person)).toEqual(runs);

    expect(await buy(person)).not.toContain('days free');
    expect(await person.api.billing.usage()).toMatchObject({ tier: 'paid', status: 'active' });
    const subscriptions = await subscriptionsOf(person);
    expect(subscriptions.map(({ status, trial_end: end }) => [status, end !== null])).toEqual([
      ['active', false],
      ['canceled', true],
    ]);
    const invoices = await listAt<{ amount_paid: number }>(person, '/invoices?');
    expect(invoices.map(({ amount_paid: amount }) => amount)).toEqual([4_900, 0]);
  });
});
