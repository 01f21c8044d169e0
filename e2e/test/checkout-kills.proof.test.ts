import { afterAll, beforeAll, expect, it } from 'vitest';
import { atStripe, becomesPaid, expectOneCharge, setFaults } from './support/charges.ts';
import { openCheckout, payByHttp } from './support/checkout-page.ts';
import { signUpByHttp } from './support/people.ts';
import { until } from '../../dev/test/support/until.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

let stack: SellingStack;
beforeAll(async () => {
  stack = await startSellingStack({ RATE_LIMIT_MAX_REQUESTS: '1000000' });
});
afterAll(() => stack.close());

it('A worker killed in checkout leaves one subscription', async () => {
  for (const moment of ['opening', 'open', 'paid'] as const) {
    const person = await signUpByHttp(stack);
    const kill = async (): Promise<void> => {
      await stack.billing.worker.kill();
      await stack.billing.worker.start();
    };
    if (moment === 'opening') {
      await setFaults(stack, {
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
    if (moment === 'paid') await setFaults(stack, { delayWebhooksMs: 500 });
    await payByHttp(started.url);
    if (moment === 'paid') await kill();
    await becomesPaid(person);
    await expectOneCharge(stack, person);
    expect((await atStripe(stack, person)).sessions).toHaveLength(1);
    await stack.billing.dev('/faults', { method: 'DELETE' });
  }
}, 120_000);
