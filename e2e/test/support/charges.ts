import { expect } from 'vitest';
import type { SignedUp } from './people.ts';
import { until } from '../../../dev/test/support/until.ts';
import type { SellingStack } from './stack.ts';

export const becomesPaid = (person: SignedUp): Promise<void> =>
  until('the tenant is paid', async () => (await person.api.billing.usage()).tier === 'paid');

export const setFaults = (stack: SellingStack, body: object) =>
  stack.billing.dev('/faults', { method: 'POST', body: JSON.stringify(body) });

interface SubscriptionAtStripe {
  id: string;
  status: string;
  cancel_at_period_end: boolean;
  items: { data: { current_period_end: number }[] };
}

interface List<T> {
  data: T[];
}

/** What Stripe has of the tenant: found by our own mapping, as the platform finds it. */
export const atStripe = async (stack: SellingStack, { tenantId }: SignedUp) => {
  const [row] = await stack.sql('select customer_id from stripe_customers where tenant_id = $1', [tenantId]);
  const customer = row!.customer_id as string;
  const { ask } = stack.billing;
  const [sessions, subscriptions, invoices] = await Promise.all([
    ask<List<{ id: string; status: string; client_reference_id: string }>>(
      `/checkout/sessions?customer=${customer}&limit=100`,
    ),
    ask<List<SubscriptionAtStripe>>(`/subscriptions?customer=${customer}&status=all&limit=100`),
    ask<List<{ id: string; status: string; amount_paid: number }>>(
      `/invoices?customer=${customer}&limit=100`,
    ),
  ]);
  return { customer, sessions: sessions.data, subscriptions: subscriptions.data, invoices: invoices.data };
};

export const expectOneCharge = async (stack: SellingStack, person: SignedUp): Promise<void> => {
  const { subscriptions, invoices } = await atStripe(stack, person);
  expect(subscriptions).toMatchObject([{ status: 'active' }]);
  expect(invoices).toMatchObject([{ status: 'paid', amount_paid: 4_900 }]);
};
