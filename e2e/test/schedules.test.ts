import { afterAll, beforeAll, expect, it } from 'vitest';
import { becomesPaid } from './support/charges.ts';
import { openCheckout, payByHttp } from './support/checkout-page.ts';
import { signUpByHttp } from './support/people.ts';
import { until } from '../../dev/test/support/until.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

let stack: SellingStack;
beforeAll(async () => {
  stack = await startSellingStack();
});
afterAll(() => stack.close());

const cli = (args: string[]) => stack.billing.temporalCli(args);

interface Listed {
  scheduleId: string;
  info: { workflowType: { name: string } };
}

const listed = async (): Promise<string[]> =>
  (JSON.parse(await cli(['schedule', 'list', '-o', 'json'])) as Listed[])
    .map(({ scheduleId }) => scheduleId)
    .sort();

it('Schedules are ensured at each start, and a paused one stays paused', async () => {
  const areThere = async (): Promise<boolean> =>
    (await listed()).join() ===
    'credential-expiry,daily-quota-reset,housekeeping,key-rotation,stripe-reconcile';
  await until('the schedules are there', areThere);
  await cli(['schedule', 'toggle', '--pause', '--schedule-id', 'credential-expiry', '--reason', 'test']);
  await stack.stopApi();
  await cli(['schedule', 'delete', '--schedule-id', 'stripe-reconcile']);
  expect(await areThere()).toBe(false);
  await stack.startApi();
  // They are ensured one after the other, this one last.
  await until('the schedules are there again', areThere);
  const isPaused = async (): Promise<boolean> =>
    /Paused\s+true/i.test(await cli(['schedule', 'describe', '--schedule-id', 'credential-expiry']));
  expect(await isPaused()).toBe(true);
  await cli(['schedule', 'toggle', '--unpause', '--schedule-id', 'credential-expiry', '--reason', 'test']);
});

/** Waits until that many runs of a workflow have completed. */
const completed = (workflow: string, runs: number, boundMs?: number): Promise<void> =>
  until(
    `${runs} runs of ${workflow} have completed`,
    async () => {
      const query = `WorkflowType = "${workflow}" AND ExecutionStatus = "Completed"`;
      return new RegExp(`\\b${runs}\\b`).test(await cli(['workflow', 'count', '--query', query]));
    },
    boundMs,
  );

it('the scheduled run moves the signing keys on', async () => {
  await cli(['schedule', 'trigger', '--schedule-id', 'key-rotation']);
  await completed('keyRotation', 1);
  const keys = await stack.sql('select status from signing_keys order by status');
  expect(keys.map(({ status }) => status)).toEqual(['current', 'next']);
});

it('the scheduled run deletes what has expired', async () => {
  await stack.sql(
    `insert into verifications (id, identifier, value, expires_at) values
       ('ended', 'test', 'test', now() - interval '1 hour'), ('open', 'test', 'test', now() + interval '1 hour')`,
  );
  await cli(['schedule', 'trigger', '--schedule-id', 'housekeeping']);
  await completed('housekeeping', 1);
  expect(await stack.sql('select id from verifications')).toEqual([{ id: 'open' }]);
});

// Just after midnight UTC, the run waits until 00:05.
it('the scheduled run settles the days that have ended', { timeout: 400_000 }, async () => {
  const { tenantId } = await signUpByHttp(stack);
  await stack.sql(`update tenants set created_at = created_at - interval '1 day' where id = $1`, [tenantId]);
  await cli(['schedule', 'trigger', '--schedule-id', 'daily-quota-reset']);
  await completed('dailyQuotaReset', 1, 380_000);
  const days = await stack.sql(`select (now() at time zone 'UTC')::date - day as ago from settled_days`);
  expect(days).toEqual([{ ago: 1 }]);
});

it('the scheduled run queues the mails that are due', async () => {
  const person = await signUpByHttp(stack);
  await stack.sql('update users set email_verified = true where email = $1', [person.email]);
  const { agentId } = await person.api.agents.register({ name: 'screener' });
  const { credentialId } = await person.api.agents.createCredential(agentId);
  await stack.sql(`update credentials set expires_at = now() + interval '5 days' where id = $1`, [
    credentialId,
  ]);
  await cli(['schedule', 'trigger', '--schedule-id', 'credential-expiry']);
  await until('the mail is queued', async () => {
    const mails = await stack.sql('select recipient from mails where tenant_id = $1', [person.tenantId]);
    return mails.length === 1 && mails[0]!.recipient === person.email;
  });
  await cli(['schedule', 'trigger', '--schedule-id', 'credential-expiry']);
  await completed('credentialExpiry', 2);
  expect(await stack.sql('select id from mails where tenant_id = $1', [person.tenantId])).toHaveLength(1);
});

it('the scheduled run puts right what differs from Stripe', async () => {
  const person = await signUpByHttp(stack);
  await payByHttp((await openCheckout(person)).url);
  await becomesPaid(person);
  await stack.sql(`update tenant_subscriptions set tier = 'free' where tenant_id = $1`, [person.tenantId]);
  await cli(['schedule', 'trigger', '--schedule-id', 'stripe-reconcile']);
  await becomesPaid(person);
  await completed('stripeReconcile', 1);
});
