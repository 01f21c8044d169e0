import type { ApiError } from '@sentryagent/sdk';
import { createClient } from '@sentryagent/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../dev/test/support/until.ts';
import type { Failpoint } from '../../workers/test/support/failpoints.ts';
import { atStripe, becomesPaid } from './support/charges.ts';
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

it('A downgraded tenant keeps agents but adds none', async () => {
  const { api, ...person } = await buy();
  const credentials = [];
  for (let number = 1; number <= 14; number++) {
    const { agentId } = await api.agents.register({ name: `agent ${number}` });
    credentials.push(await api.agents.createCredential(agentId));
  }
  const { subscriptions } = await atStripe(stack, { api, ...person });
  await stack.billing.ask(`/subscriptions/${subscriptions[0]!.id}`, { method: 'DELETE' });
  await until('the tenant is free', async () => (await api.billing.usage()).tier === 'free');
  for (const { clientId, clientSecret } of credentials) {
    const { access_token: token } = await createClient({ baseUrl: stack.apiUrl }).tokens.issue({
      clientId,
      clientSecret,
    });
    const headers = { authorization: `Bearer ${token}` };
    const agent = await createClient({ baseUrl: stack.apiUrl, headers }).agents.get(clientId);
    expect(agent).toMatchObject({ agentId: clientId, status: 'active' });
  }
  const refused = await api.agents
    .register({ name: 'agent 15' })
    .catch((error: unknown) => error as ApiError);
  expect(refused).toMatchObject({ status: 429 });
});

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

it('Operators find past due subscriptions by filter', async () => {
  const [late] = [await buy(), await buy()];
  const { customer } = await atStripe(stack, late);
  await stack.billing.dev(`/customers/${customer}/fail-next-payment`, { method: 'POST' });
  await advance(32);
  const { temporalCli } = stack.billing;
  const id = `subscription/${late.tenantId}`;
  await until('the tenant that is past due is found, and no other', async () => {
    const query = 'SubscriptionStatus = "past_due"';
    const found = await temporalCli(['workflow', 'list', '--query', query, '--output', 'json']);
    const ids = (JSON.parse(found) as { execution: { workflowId: string } }[]).map(
      ({ execution: { workflowId } }) => workflowId,
    );
    return ids.join() === id;
  });
  const words = await temporalCli(['workflow', 'metadata', '-w', id, '--output', 'json']);
  expect(words).toMatch(/"Past due\. Free from \d{4}-\d\d-\d\d if nobody pays\."/);
});
