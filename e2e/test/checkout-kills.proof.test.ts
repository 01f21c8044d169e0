import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCheckout, payByHttp } from './support/checkout-page.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { until } from './support/processes.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

let stack: SellingStack;
beforeAll(async () => {
  stack = await startSellingStack({ RATE_LIMIT_MAX_REQUESTS: '1000000' });
});
afterAll(() => stack.close());

const becomesPaid = (person: SignedUp): Promise<void> =>
  until('the tenant is paid', async () => (await person.api.billing.usage()).tier === 'paid');

const faults = (body: object) => stack.billing.dev('/faults', { method: 'POST', body: JSON.stringify(body) });

interface List<T> {
  data: T[];
}

/** What Stripe has of the tenant: found by our own mapping, as the platform finds it. */
const atStripe = async ({ tenantId }: SignedUp) => {
  const [row] = await stack.sql('select customer_id from stripe_customers where tenant_id = $1', [tenantId]);
  const customer = row!.customer_id as string;
  const { ask } = stack.billing;
  const [sessions, subscriptions, invoices] = await Promise.all([
    ask<List<{ id: string; status: string }>>(`/checkout/sessions?customer=${customer}&limit=100`),
    ask<List<{ status: string }>>(`/subscriptions?customer=${customer}&status=all&limit=100`),
    ask<List<{ status: string; amount_paid: number }>>(`/invoices?customer=${customer}&limit=100`),
  ]);
  return { sessions: sessions.data, subscriptions: subscriptions.data, invoices: invoices.data };
};

const expectOneCharge = async (person: SignedUp): Promise<void> => {
  const { subscriptions, invoices } = await atStripe(person);
  expect(subscriptions).toMatchObject([{ status: 'active' }]);
  expect(invoices).toMatchObject([{ status: 'paid', amount_paid: 4_900 }]);
};

it('A worker killed in checkout leaves one subscription', async () => {
  for (const moment of ['opening', 'open', 'paid'] as const) {
    const person = await signUpByHttp(stack);
    const kill = async (): Promise<void> => {
      await stack.billing.worker.kill();
      await stack.billing.worker.start();
    };
    if (moment === 'opening') {
      await faults({
        failNext: { method: 'POST', path: '/v1/checkout/sessions', count: 1, delayMs: 1_500 },
      });
      const click = person.api.billing.startCheckout().catch(() => undefined);
      await until('the session is asked for', async () => {
        const requests = await stack.billing.dev<{ path: string; at: number }[]>('/requests');
        return requests.some(({ path }) => path === '/v1/prices');
      });
      await kill();
      await click;
    }
    const started = await openCheckout(person);
    if (moment === 'open') await kill();
    if (moment === 'paid') await faults({ delayWebhooksMs: 500 });
    await payByHttp(started.url);
    if (moment === 'paid') await kill();
    await becomesPaid(person);
    await expectOneCharge(person);
    expect((await atStripe(person)).sessions).toHaveLength(1);
    await stack.billing.dev('/faults', { method: 'DELETE' });
  }
}, 120_000);
