import type { ApiError } from '@sentryagent/sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openCheckout as start, payByHttp } from './support/checkout-page.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { until } from '../../dev/test/support/until.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

let stack: SellingStack;
beforeAll(async () => {
  stack = await startSellingStack({ RATE_LIMIT_MAX_REQUESTS: '1000000' });
});
afterAll(() => stack.close());
afterEach(() => stack.billing.dev('/faults', { method: 'DELETE' }));

const failNext = (fault: object) =>
  stack.billing.dev('/faults', { method: 'POST', body: JSON.stringify({ failNext: fault }) });

const refusal = (person: SignedUp): Promise<[number, string] | undefined> =>
  person.api.billing.startCheckout().then(
    () => undefined,
    ({ status, code }: ApiError) => [status, code],
  );

const becomes = (person: SignedUp, tier: string): Promise<void> =>
  until(`the tenant is ${tier}`, async () => (await person.api.billing.usage()).tier === tier);

const customerOf = async ({ tenantId }: SignedUp): Promise<string> => {
  const [row] = await stack.sql('select customer_id from stripe_customers where tenant_id = $1', [tenantId]);
  return row!.customer_id as string;
};

const listAt = async (person: SignedUp, path: string) =>
  (
    await stack.billing.ask<{ data: { id: string; status: string }[] }>(
      `${path}?customer=${await customerOf(person)}&limit=100`,
    )
  ).data;

const openSessions = async (person: SignedUp) =>
  (await listAt(person, '/checkout/sessions')).filter(({ status }) => status === 'open');

const post = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${stack.billing.stripeUrl}/v1${path}`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer sk_test_journeys',
      'content-type': 'application/x-www-form-urlencoded',
    },
    ...init,
  });

const rowsOf = ({ tenantId }: SignedUp) =>
  stack.sql('select id, status from checkouts where tenant_id = $1 order by id', [tenantId]);

const onRun = async (verb: 'terminate' | 'cancel' | 'delete', workflowId: string): Promise<void> => {
  const sure = verb === 'delete' ? ['-y'] : [];
  await stack.billing.temporalCli(['workflow', verb, '-w', workflowId, ...sure]);
};

/** Ends the tenant's one open checkout by an operator's command. */
const onCheckout = async (verb: Parameters<typeof onRun>[0], { tenantId }: SignedUp): Promise<void> => {
  const [row] = await stack.sql(`select id from checkouts where tenant_id = $1 and status = 'open'`, [
    tenantId,
  ]);
  await onRun(verb, `checkout/${tenantId}/${row!.id as string}`);
};

describe('a checkout that lost its run', () => {
  it('is not given up while Stripe does not close its page', async () => {
    const person = await signUpByHttp(stack);
    const first = await start(person);
    await onCheckout('terminate', person);
    await failNext({ method: 'POST', path: '/v1/checkout/sessions/', status: 400 });
    expect(await refusal(person)).toEqual([503, 'service_unavailable']);
    expect(await rowsOf(person)).toEqual([{ id: first.checkoutId, status: 'open' }]);
    const second = await start(person);
    await payByHttp(first.url);
    await payByHttp(second.url);
    await becomes(person, 'paid');
    expect(await listAt(person, '/subscriptions')).toHaveLength(1);
  });

  it('is closed with its page where Temporal knows nothing of it any more', async () => {
    const person = await signUpByHttp(stack);
    const first = await start(person);
    await onCheckout('delete', person);
    let second: typeof first | undefined;
    await until(
      'the run is gone',
      async () => (second = await start(person)).checkoutId !== first.checkoutId,
    );
    expect(await openSessions(person)).toHaveLength(1);
    await payByHttp(first.url);
    await payByHttp(second!.url);
    await becomes(person, 'paid');
    expect(await listAt(person, '/subscriptions')).toHaveLength(1);
  });

  it('is 503 for who waits for its page', async () => {
    const person = await signUpByHttp(stack);
    await stack.billing.worker.stop();
    const click = refusal(person);
    await until('it has a run', () => onCheckout('terminate', person).then(() => true));
    expect(await click).toEqual([503, 'service_unavailable']);
    await stack.billing.worker.start();
  });
});

describe('a page and its row', () => {
  it('no page stays open for a row that was closed before', async () => {
    const person = await signUpByHttp(stack);
    await stack.billing.worker.stop();
    expect(await refusal(person)).toEqual([503, 'service_unavailable']);
    await stack.sql(`update checkouts set status = 'expired', closed_at = now() where tenant_id = $1`, [
      person.tenantId,
    ]);
    await stack.billing.worker.start();
    await start(person);
    await until('the first run has ended', async () => {
      const runs = await stack.billing.workflows(person.tenantId);
      return runs.filter(({ status }) => status === 'RUNNING').length === 1;
    });
    expect(await openSessions(person)).toHaveLength(1);
  });

  it('an event closes no row whose run is about to start', async () => {
    const person = await signUpByHttp(stack);
    await payByHttp((await start(person)).url);
    await becomes(person, 'paid');
    await until('the run ends', async () => (await rowsOf(person))[0]?.status === 'completed');
    await stack.sql(
      `insert into checkouts (tenant_id, id, created_by, created_at) values ($1, 'chk_soon', 'usr_a', now())`,
      [person.tenantId],
    );
    const [subscription] = await listAt(person, '/subscriptions');
    await post(`/subscriptions/${subscription!.id}`, { body: 'metadata[a]=b' });
    await until('the event is settled', async () => {
      const [event] = await stack.sql(
        `select settled_at from stripe_events where type = 'customer.subscription.updated'
         and customer_id = $1`,
        [await customerOf(person)],
      );
      return event?.settled_at instanceof Date;
    });
    expect(await rowsOf(person)).toContainEqual({ id: 'chk_soon', status: 'open' });
  });
});

it('a failure that Stripe repeats for a day does not follow the tenant to its next checkout', async () => {
  const person = await signUpByHttp(stack);
  await failNext({ method: 'POST', path: '/v1/customers', status: 500 });
  expect(await refusal(person)).toEqual([503, 'service_unavailable']);
  await onCheckout('cancel', person);
  expect((await start(person)).url).toMatch(/\/c\/pay\//);
});

it('a subscription whose run was ended by hand is followed again from the next event', async () => {
  const person = await signUpByHttp(stack);
  await payByHttp((await start(person)).url);
  await becomes(person, 'paid');
  await onRun('terminate', `subscription/${person.tenantId}`);
  const [subscription] = await listAt(person, '/subscriptions');
  await post(`/subscriptions/${subscription!.id}`, { method: 'DELETE' });
  await becomes(person, 'free');
});
