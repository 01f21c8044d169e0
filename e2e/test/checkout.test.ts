import type { ApiError, StartedCheckout } from '@sentryagent/sdk';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { atStripe, becomesPaid, expectOneCharge, setFaults } from './support/charges.ts';
import { CARDS, openCheckout, payByHttp } from './support/checkout-page.ts';
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

const refusal = (call: Promise<unknown>): Promise<ApiError> =>
  call.then(
    () => expect.fail('it was not refused'),
    (error: unknown) => error as ApiError,
  );

const checkoutRows = ({ tenantId }: SignedUp) =>
  stack.sql('select id, status from checkouts where tenant_id = $1 order by id', [tenantId]);

describe('a checkout', () => {
  it('Checkout answers a Stripe Checkout URL', async () => {
    const person = await signUpByHttp(stack);
    const { checkoutId, url } = await openCheckout(person);
    expect(checkoutId).toMatch(/^chk_[0-9a-z]{26}$/);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toMatch(/\$49\.00/);
    const row = await person.api.billing.checkout(checkoutId);
    expect(row).toMatchObject({ status: 'open', closedAt: null });
    const lastsMs = Date.parse(row.expiresAt!) - Date.now();
    expect(lastsMs).toBeGreaterThan(22 * 3_600_000);
    expect(lastsMs).toBeLessThan(24 * 3_600_000);
  });

  it('A paid checkout makes the tenant paid', async () => {
    const person = await signUpByHttp(stack);
    const { checkoutId, url } = await openCheckout(person);
    const paid = await payByHttp(url);
    expect(paid.status).toBe(303);
    expect(paid.headers.get('location')).toBe(`${stack.dashboardUrl}/usage/checkouts/${checkoutId}`);
    await becomesPaid(person);
    const usage = await person.api.billing.usage();
    expect(usage).toMatchObject({ tier: 'paid', status: 'active', endsAt: null, upgradeUrl: null });
    expect(Date.parse(usage.renewsAt!)).toBeGreaterThan(Date.now() + 27 * 86_400_000);
    expect(usage.period.end).toBe(usage.renewsAt);
    await until(
      'the run ends',
      async () => (await person.api.billing.checkout(checkoutId)).status === 'completed',
    );
    await expectOneCharge(stack, person);

    const { tenantId } = person;
    const ids = (await stack.billing.workflows(tenantId)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    expect(ids).toMatchObject([
      {
        id: `checkout/${tenantId}/${checkoutId}`,
        status: 'COMPLETED',
        attributes: { TenantId: tenantId, CheckoutStatus: 'completed' },
      },
      {
        id: `subscription/${tenantId}`,
        status: 'RUNNING',
        attributes: {
          TenantId: tenantId,
          Tier: 'paid',
          SubscriptionStatus: 'active',
          RenewsAt: usage.renewsAt!.replace('.000Z', 'Z'),
        },
      },
    ]);
    const [audit] = await stack.sql(
      `select actor_kind, metadata from audit_events where tenant_id = $1 and action = 'subscription.updated'`,
      [tenantId],
    );
    expect(audit).toMatchObject({ actor_kind: 'system', metadata: { tier: 'paid', status: 'active' } });
    expect(await refusal(openCheckout(person))).toMatchObject({ code: 'already_subscribed' });
  });

  it('Two clicks get the same checkout', async () => {
    const person = await signUpByHttp(stack);
    const started = await Promise.all(Array.from({ length: 8 }, () => openCheckout(person)));
    expect(new Set(started.map(({ url }) => url)).size).toBe(1);
    const again = await openCheckout(person);
    expect(again).toEqual(started[0]);
    expect((await atStripe(stack, person)).sessions).toHaveLength(1);
    await Promise.all([payByHttp(again.url), payByHttp(again.url)]);
    await becomesPaid(person);
    await expectOneCharge(stack, person);
  });

  it('A failed session creation can be retried', async () => {
    const person = await signUpByHttp(stack);
    await setFaults(stack, {
      failNext: { method: 'POST', path: '/v1/checkout/sessions', count: 1, status: 400 },
    });
    const refused = await refusal(person.api.billing.startCheckout());
    expect([refused.status, refused.code]).toEqual([503, 'service_unavailable']);
    expect(refused.detail).toMatch(/Stripe/);
    const { url, checkoutId } = await openCheckout(person);
    expect(await checkoutRows(person)).toMatchObject([
      { status: 'expired' },
      { id: checkoutId, status: 'open' },
    ]);
    await payByHttp(url);
    await becomesPaid(person);
    await expectOneCharge(stack, person);
  });

  it('opens one page though Stripe fails and cuts the connection after it has made it', async () => {
    const person = await signUpByHttp(stack);
    await setFaults(stack, {
      failNext: { method: 'POST', path: '/v1/checkout/sessions', count: 2, cut: true },
    });
    const { url } = await openCheckout(person);
    expect((await atStripe(stack, person)).sessions).toHaveLength(1);
    expect((await fetch(url)).status).toBe(200);
  });

  it('A declined card can be tried again', async () => {
    const person = await signUpByHttp(stack);
    const { url } = await openCheckout(person);
    const declined = await payByHttp(url, CARDS.declined);
    expect(declined.status).toBe(402);
    expect(await declined.text()).toMatch(/Your card was declined/);
    expect((await person.api.billing.usage()).tier).toBe('free');
    expect((await payByHttp(url)).status).toBe(303);
    await becomesPaid(person);
    await expectOneCharge(stack, person);
  });

  it('ends in Paid though every webhook is lost', async () => {
    const person = await signUpByHttp(stack);
    await setFaults(stack, { dropWebhooks: true });
    const { url } = await openCheckout(person);
    await payByHttp(url);
    await becomesPaid(person);
    await expectOneCharge(stack, person);
  });

  it('knows a live subscription of which our row says nothing, and mends the row', async () => {
    const person = await signUpByHttp(stack);
    const { url } = await openCheckout(person);
    await payByHttp(url);
    await becomesPaid(person);
    await stack.sql(`update tenant_subscriptions set tier = 'free' where tenant_id = $1`, [person.tenantId]);
    await until('the row is open for a checkout', async () => {
      const error = await refusal(person.api.billing.startCheckout());
      return error.code === 'already_subscribed';
    });
    await becomesPaid(person);
    await expectOneCharge(stack, person);
    expect((await checkoutRows(person)).map(({ status }) => status)).not.toContain('open');
  });
});

it('a customer that this Stripe account does not have is replaced', async () => {
  const person = await signUpByHttp(stack);
  await stack.sql('insert into stripe_customers values ($1, $2)', [person.tenantId, `cus_gone${Date.now()}`]);
  const { url } = await openCheckout(person);
  await payByHttp(url);
  await becomesPaid(person);
  await expectOneCharge(stack, person);
});

it('the namespace keeps what has ended for seven days', async () => {
  const printed = await stack.billing.temporalCli([
    'operator',
    'namespace',
    'describe',
    '-n',
    'default',
    '-o',
    'json',
  ]);
  const { config } = JSON.parse(printed) as { config: { workflowExecutionRetentionTtl: string } };
  expect(config.workflowExecutionRetentionTtl).toBe(`${7 * 86_400}s`);
});

describe('a checkout whose time is over', () => {
  /** Its run goes on as one of which the session has expired, while Stripe tells us nothing. */
  const endTime = async ({ tenantId }: SignedUp, { checkoutId, url }: StartedCheckout): Promise<string> => {
    const [row] = await stack.sql('select session_id from checkouts where id = $1', [checkoutId]);
    const session = {
      sessionId: row!.session_id,
      url,
      expiresAt: new Date(Date.now() - 1_000).toISOString(),
    };
    const input = JSON.stringify({ tenantId, checkoutId, session });
    const run = [
      '--type',
      'checkout',
      '--task-queue',
      'billing',
      '--workflow-id',
      idOf(tenantId, checkoutId),
    ];
    await stack.billing.temporalCli(['workflow', 'start', ...run, '--input', input]);
    const printed = await stack.billing.temporalCli([
      ...['workflow', 'result', '-w', idOf(tenantId, checkoutId), '-o', 'json'],
    ]);
    return (JSON.parse(printed) as { result: string }).result;
  };
  const idOf = (tenantId: string, checkoutId: string) => `checkout/${tenantId}/${checkoutId}`;
  /** Opens one of which nothing is heard: its run has ended, and no webhook comes. */
  const openUnheard = async (person: SignedUp): Promise<StartedCheckout> => {
    await setFaults(stack, { dropWebhooks: true });
    const started = await openCheckout(person);
    await stack.billing.temporalCli([
      'workflow',
      'terminate',
      '-w',
      idOf(person.tenantId, started.checkoutId),
    ]);
    return started;
  };

  it('An expired session is asked for once more', async () => {
    const person = await signUpByHttp(stack);
    const started = await openUnheard(person);
    await payByHttp(started.url);
    expect(await endTime(person, started)).toBe('completed');
    expect(await checkoutRows(person)).toEqual([{ id: started.checkoutId, status: 'completed' }]);
    await becomesPaid(person);
    await expectOneCharge(stack, person);
  });

  it('An unpaid session ends its workflow', async () => {
    const person = await signUpByHttp(stack);
    const started = await openUnheard(person);
    expect(await endTime(person, started)).toBe('expired');
    expect(await checkoutRows(person)).toEqual([{ id: started.checkoutId, status: 'expired' }]);
    expect((await atStripe(stack, person)).sessions).toMatchObject([{ status: 'expired' }]);
    expect((await person.api.billing.usage()).tier).toBe('free');
    const next = await openCheckout(person);
    expect(next.checkoutId).not.toBe(started.checkoutId);
    expect((await payByHttp(next.url)).status).toBe(303);
    await becomesPaid(person);
  });
});

describe('a checkout whose run was ended by hand', () => {
  const terminate = async ({ tenantId }: SignedUp, checkoutId: string): Promise<void> => {
    await stack.billing.temporalCli(['workflow', 'terminate', '-w', `checkout/${tenantId}/${checkoutId}`]);
  };

  it('is paid for all the same', async () => {
    const person = await signUpByHttp(stack);
    const { checkoutId, url } = await openCheckout(person);
    await terminate(person, checkoutId);
    await payByHttp(url);
    await becomesPaid(person);
    expect(await checkoutRows(person)).toEqual([{ id: checkoutId, status: 'completed' }]);
    await expectOneCharge(stack, person);
  });

  it('gives way to a new one, and its page can’t be paid any more', async () => {
    const person = await signUpByHttp(stack);
    const first = await openCheckout(person);
    await terminate(person, first.checkoutId);
    const second = await openCheckout(person);
    expect(second.checkoutId).not.toBe(first.checkoutId);
    await payByHttp(first.url);
    await payByHttp(second.url);
    await becomesPaid(person);
    expect((await checkoutRows(person)).map(({ status }) => status)).toEqual(['expired', 'completed']);
    await expectOneCharge(stack, person);
  });
});

describe('with parts away', () => {
  it('without a worker it is 503, not a wait for one, and the next click after its return goes on', async () => {
    const person = await signUpByHttp(stack);
    await stack.billing.worker.stop();
    const refused = await refusal(person.api.billing.startCheckout());
    expect([refused.status, refused.retryAfter]).toEqual([503, 1]);
    await stack.billing.worker.start();
    const { url } = await openCheckout(person);
    expect(await checkoutRows(person)).toHaveLength(1);
    await payByHttp(url);
    await becomesPaid(person);
  });

  it('Events wait while Temporal is away', async () => {
    const person = await signUpByHttp(stack);
    const { url } = await openCheckout(person);
    await stack.billing.temporal.stop();
    await payByHttp(url);
    const pending = async (): Promise<number> => {
      const [row] = await stack.sql(
        `select count(*)::int as count from stripe_events e join stripe_customers c using (customer_id)
         where c.tenant_id = $1 and e.settled_at is null`,
        [person.tenantId],
      );
      return row!.count as number;
    };
    await until('Stripe’s events are stored', async () => (await pending()) >= 3);
    await setFaults(stack, { dropWebhooks: true });
    expect((await person.api.billing.usage()).tier).toBe('free');
    await stack.billing.temporal.start();
    await becomesPaid(person);
    await until('the events are settled', async () => (await pending()) === 0);
    await expectOneCharge(stack, person);
  });
});
