import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../dev/test/support/until.ts';
import type { Failpoint } from '../../workers/test/support/failpoints.ts';
import { becomesPaid } from './support/charges.ts';
import { openCheckout, payByHttp } from './support/checkout-page.ts';
import { createKills, supervise } from './support/kills.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { runsOf } from './support/runs.ts';
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

const advance = (days: number) => stack.billing.dev(`/advance?days=${days}`, { method: 'POST' });

it('A reminder survives the death of workers', async () => {
  const person = await buy();
  const { tenantId } = person;
  const killedAt = async (point: Failpoint, days: number): Promise<void> => {
    kills.arm(tenantId, point);
    await advance(days);
    await until(`killed ${point}`, () => !kills.isArmed(tenantId));
    await until('what was killed is done', async () => {
      const runs = await runsOf(stack, person);
      return runs.length === 2 && runs.every(({ isWaiting }) => isWaiting);
    });
  };
  const reminders = async () =>
    (await stack.sql(`select key from mails where tenant_id = $1 and kind = 'charge_reminder'`, [tenantId]))
      .length;
  // In every month, a period ends within 32 days, and the next one 2 to 5 days after another 25.
  await killedAt('before applySubscription', 32);
  expect(await reminders()).toBe(0);
  await killedAt('after remindOwners', 25);
  expect(await reminders()).toBe(1);
});
