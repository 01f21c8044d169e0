import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ApiError } from '@sentryagent/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';
import { until } from '../../dev/test/support/until.ts';
import type { Failpoint } from '../../workers/test/support/failpoints.ts';
import { expectAsAtStripe } from './support/as-at-stripe.ts';
import { atStripe, becomesPaid, expectOneCharge } from './support/charges.ts';
import { ACCOUNTS, openCheckout, payByBank, payByHttp } from './support/checkout-page.ts';
import { insist } from './support/insist.ts';
import { createKills, supervise } from './support/kills.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

const kills = createKills();
let stack: SellingStack;
let worker: ReturnType<typeof supervise>;
beforeAll(async () => {
  stack = await startSellingStack({ RATE_LIMIT_MAX_REQUESTS: '1000000', ...kills.environment });
  worker = supervise(stack.billing.worker);
});
afterAll(async () => {
  await stack.close();
  await worker.done;
  kills.remove();
});

const buy = async (): Promise<SignedUp> => {
  const person = await signUpByHttp(stack);
  await payByHttp((await openCheckout(person)).url);
  await becomesPaid(person);
  return person;
};

const changesAtStripe = async (person: SignedUp): Promise<number> => {
  const { subscriptions } = await atStripe(stack, person);
  const requests = await stack.billing.dev<{ method: string; path: string }[]>('/requests');
  return requests.filter(
    ({ method, path }) => method === 'POST' && path === `/v1/subscriptions/${subscriptions[0]!.id}`,
  ).length;
};

it('Cancelling twice cancels once, also if 20 cancel at once', async () => {
  const person = await buy();
  const cancel = () => insist(person.api.billing.cancel);
  const answers = await Promise.all(Array.from({ length: 20 }, cancel));
  answers.push(await cancel());
  const { renewsAt, endsAt } = await person.api.billing.usage();
  expect([renewsAt, endsAt]).toEqual([null, expect.any(String)]);
  for (const answer of answers) {
    expect(answer).toMatchObject({
      tier: 'paid',
      status: 'active',
      isCancelling: true,
      renewsAt: null,
      endsAt,
    });
  }
  expect(await changesAtStripe(person)).toBe(1);
});

it('A cancellation is undone before its end, as often as it is made', async () => {
  const person = await buy();
  const { renewsAt } = await person.api.billing.subscription();
  for (let times = 1; times <= 2; times++) {
    expect(await insist(person.api.billing.cancel)).toMatchObject({ endsAt: renewsAt, nextCharge: null });
    expect(await insist(person.api.billing.resume)).toMatchObject({
      ...{ tier: 'paid', status: 'active', isCancelling: false, renewsAt, endsAt: null },
      nextCharge: { amount: 4_900, currency: 'usd', at: renewsAt },
    });
    expect(await changesAtStripe(person)).toBe(2 * times);
  }
  const actions = await stack.sql(
    `select action, actor_kind from audit_events where tenant_id = $1 and action in
       ('subscription.cancellation_requested', 'subscription.resumed') order by sequence`,
    [person.tenantId],
  );
  const [made, undone] = ['subscription.cancellation_requested', 'subscription.resumed'];
  expect(actions).toEqual([made, undone, made, undone].map((action) => ({ action, actor_kind: 'member' })));
});

it('A worker that is killed after Stripe has acted, and before Temporal knows, charges and cancels once', async () => {
  const person = await signUpByHttp(stack);
  const killedAt = async <T>(point: Failpoint, act: () => Promise<T>): Promise<T> => {
    kills.arm(person.tenantId, point);
    const result = await act();
    expect(kills.isArmed(person.tenantId)).toBe(false);
    return result;
  };
  const { url } = await killedAt('after openCheckoutSession', () => openCheckout(person, 60_000));
  await payByHttp(url);
  await becomesPaid(person);
  await killedAt('after changeCancellation', () => insist(person.api.billing.cancel, 60_000));
  await expectAsAtStripe(stack, person);
  await expectOneCharge(stack, person);
  expect((await atStripe(stack, person)).sessions).toHaveLength(1);
  expect(await changesAtStripe(person)).toBe(1);
});

it('What our row takes for a subscription and Stripe does not have cannot be cancelled', async () => {
  const person = await signUpByHttp(stack);
  const named = `update tenant_subscriptions set subscription_id = 'sub_gone' where tenant_id = $1`;
  await stack.sql(named, [person.tenantId]);
  const refused = await insist(person.api.billing.cancel).catch((error: unknown) => error as ApiError);
  expect(refused).toMatchObject({ status: 409, code: 'not_subscribed' });
});

it('A dry run prints drift and changes nothing', async () => {
  const person = await buy();
  const { tenantId } = person;
  const reconcile = async (...args: string[]): Promise<string> => {
    const [{ current_database: database }] = (await stack.sql('select current_database()')) as [
      { current_database: string },
    ];
    const url = new URL(process.env.TEST_DATABASE_URL!);
    [url.pathname, url.username, url.password] = [`/${database}`, 'sentryagent_test_login', 'only-for-tests'];
    const env = { ...bareEnvironment, ...stack.billing.environment, APP_DATABASE_URL: url.toString() };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['api/src/billing-reconcile/main.ts', ...args],
      { env },
    );
    return stdout;
  };
  const row = async () =>
    (
      await stack.sql('select tier, status, reading from tenant_subscriptions where tenant_id = $1', [
        tenantId,
      ])
    )[0];
  await stack.sql(
    `update tenant_subscriptions set tier = 'free', status = 'cancelled' where tenant_id = $1`,
    [tenantId],
  );
  const before = await row();
  const printed = await reconcile('--dry-run');
  expect(printed).toMatch(new RegExp(`^${tenantId}  ours: Cancelled\\..*Stripe: Active\\. Renews `, 'm'));
  expect(printed).toContain('Nothing was changed.');
  expect(await row()).toEqual(before);
  expect(await reconcile()).toContain(`${tenantId}  ours: Cancelled.`);
  await until('the row is as Stripe is', async () => (await row())!.tier === 'paid');
  await until('nothing differs', async () => !(await reconcile('--dry-run')).includes(tenantId));
});

describe('a payment that settles later', () => {
  const payLater = async (
    account: string,
  ): Promise<{ person: SignedUp; checkoutId: string; invoice: string }> => {
    const person = await signUpByHttp(stack);
    const { checkoutId, url } = await openCheckout(person);
    expect((await payByBank(url, account)).status).toBe(303);
    await until(
      'the checkout is processing',
      async () => (await person.api.billing.checkout(checkoutId)).status === 'processing',
    );
    const [invoice] = (await atStripe(stack, person)).invoices;
    return { person, checkoutId, invoice: invoice!.id };
  };
  const endsAs = ({ person, checkoutId }: { person: SignedUp; checkoutId: string }, status: string) =>
    until(
      `the checkout is ${status}`,
      async () => (await person.api.billing.checkout(checkoutId)).status === status,
    );

  it('A payment that settles later blocks another checkout', async () => {
    const paying = await payLater(ACCOUNTS.good);
    const { api } = paying.person;
    expect((await api.billing.subscription()).openCheckout).toEqual({
      checkoutId: paying.checkoutId,
      status: 'processing',
    });
    const refused = await openCheckout(paying.person).catch((error: unknown) => error as ApiError);
    expect(refused).toMatchObject({ status: 409, code: 'payment_processing' });
    expect((await api.billing.usage()).tier).toBe('free');
    await stack.billing.dev(`/invoices/${paying.invoice}/settle`, { method: 'POST' });
    await endsAs(paying, 'completed');
    await becomesPaid(paying.person);
  });

  it('A payment that settles later blocks another checkout, even if its own is closed', async () => {
    const { person, checkoutId } = await payLater(ACCOUNTS.good);
    await stack.sql(`update checkouts set status = 'expired', closed_at = now() where id = $1`, [checkoutId]);
    const refused = await openCheckout(person).catch((error: unknown) => error as ApiError);
    expect(refused).toMatchObject({ status: 409, code: 'payment_processing' });
    expect((await atStripe(stack, person)).sessions).toHaveLength(1);
  });

  it('A payment that never settles ends its checkout as failed', async () => {
    const paying = await payLater(ACCOUNTS.returned);
    await stack.billing.dev(`/invoices/${paying.invoice}/settle?outcome=fail`, { method: 'POST' });
    await endsAs(paying, 'failed');
    expect((await paying.person.api.billing.usage()).tier).toBe('free');
    expect((await openCheckout(paying.person)).checkoutId).not.toBe(paying.checkoutId);
  });
});

it('Operators find past due subscriptions by filter', async () => {
  const [paying, failing] = [await buy(), await buy()];
  const [row] = await stack.sql('select customer_id from stripe_customers where tenant_id = $1', [
    failing.tenantId,
  ]);
  const { dev, workflows, temporalCli } = stack.billing;
  await dev(`/customers/${row!.customer_id as string}/fail-next-payment?times=1`, { method: 'POST' });
  await dev('/advance?days=32', { method: 'POST' });
  await until(
    'the tenant is past due',
    async () => (await failing.api.billing.usage()).status === 'past_due',
  );
  const found = async () => {
    const query = 'WorkflowType = "subscription" AND SubscriptionStatus = "past_due"';
    const printed = await temporalCli(['workflow', 'list', '--query', query, '--output', 'json']);
    return (JSON.parse(printed) as { execution: { workflowId: string } }[]).map(
      ({ execution }) => execution.workflowId,
    );
  };
  await expect.poll(found).toEqual([`subscription/${failing.tenantId}`]);
  const [shown] = (await workflows(failing.tenantId)).filter(
    ({ type, status }) => type === 'subscription' && status === 'RUNNING',
  );
  expect(shown!.attributes).toMatchObject({
    TenantId: failing.tenantId,
    Tier: 'paid',
    SubscriptionStatus: 'past_due',
  });
  const described = await temporalCli([
    ...['workflow', 'query', '--type', '__temporal_workflow_metadata'],
    ...['--workflow-id', `subscription/${failing.tenantId}`],
  ]);
  expect(described).toMatch(/Past due\. Free from \d{4}-\d\d-\d\d if nobody pays\./);
  expect((await paying.api.billing.usage()).status).toBe('active');
});
