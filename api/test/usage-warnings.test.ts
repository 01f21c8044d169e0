import { epochDay } from '@sentryagent/workflows/rules/period';
import { tiers } from '@sentryagent/workflows/rules/tiers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../dev/test/support/until.ts';
import { warnOwners } from '../src/services/usage-warnings/warn-owners.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { NO_RATE, sendCalls, useCalls } from './support/metered.ts';
import { onOneDay } from './support/one-day.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ env: NO_RATE });
});
afterAll(() => api.close());

/** A tenant whose owner's address is confirmed, with so many calls left of the first threshold. */
const foundTenant = async (used: number): Promise<{ member: TestMember; token: string }> => {
  const member = await signUp(api);
  await api.sql('update users set email_verified = true where id = $1', [member.userId]);
  await useCalls(api, member.tenantId, used);
  return { member, token: await (await registerAgent(api, member)).token() };
};

const mailsOf = ({ tenantId }: TestMember) =>
  api.sql(`select recipient, key, data from mails where tenant_id = $1 order by key`, [tenantId]);

const percents = async (member: TestMember): Promise<unknown[]> =>
  (await mailsOf(member)).map(({ data }) => (data as { percent: number }).percent);

const callAndFlush = async (token: string, calls: number, process = api): Promise<void> => {
  expect(await sendCalls([process], token, calls, 4)).toBe(calls);
  await process.deps.meter.flush();
};

it('Reaching 80 percent mails owners once', () =>
  onOneDay(async (day) => {
    const { member, token } = await foundTenant(790);
    await callAndFlush(token, 9);
    expect(await mailsOf(member)).toEqual([]);
    await callAndFlush(token, 1);
    const tomorrow = new Date(Date.parse(day) + 86_400_000).toISOString();
    const mail = {
      recipient: member.email,
      key: `${day}/80`,
      data: { percent: 80, max: 1_000, isHard: true, resetsAt: tomorrow },
    };
    expect(await mailsOf(member)).toEqual([mail]);
    await callAndFlush(token, 1);
    expect(await mailsOf(member)).toEqual([mail]);
  }));

it('mails about each threshold, and those of a jump', () =>
  onOneDay(async () => {
    const { member, token } = await foundTenant(799);
    await callAndFlush(token, 201);
    expect(await percents(member)).toEqual([100, 80].sort());
  }));

it('warns of more tenants than are asked about at once', () =>
  onOneDay(async (day) => {
    const { member } = await foundTenant(900);
    const ids = [...Array.from({ length: 1_000 }, (_, n) => `ten_${n}`), member.tenantId];
    await warnOwners(
      api.deps.db,
      ids.map((tenantId) => ({ tenantId, day: epochDay(new Date(day)) })),
    );
    expect(await percents(member)).toEqual([80]);
  }));

it('A soft limit never refuses', () =>
  onOneDay(async () => {
    const limit = tiers.free.limits.apiCallsPerDay;
    limit.enforcement = 'soft';
    try {
      const { member, token } = await foundTenant(995);
      await callAndFlush(token, 10);
      expect(await percents(member)).toEqual([100, 80]);
      expect(await mailsOf(member)).toMatchObject([{ data: { isHard: false } }, { data: { isHard: false } }]);
    } finally {
      limit.enforcement = 'hard';
    }
  }));

it('A restart sends no second warning', () =>
  onOneDay(async () => {
    const { member, token } = await foundTenant(799);
    await callAndFlush(token, 1);
    // Another process, and the mail is sent and gone.
    await api.sql('delete from mails where tenant_id = $1', [member.tenantId]);
    const restarted = await startApi({ env: NO_RATE, database: api.database });
    await callAndFlush(token, 5, restarted);
    await restarted.close();
    expect(await mailsOf(member)).toEqual([]);
  }));

it('Two processes warn once', () =>
  onOneDay(async () => {
    const { member, token } = await foundTenant(799);
    const other = await startApi({ env: NO_RATE, database: api.database });
    expect(await sendCalls([api, other], token, 6, 4)).toBe(6);
    await Promise.all([api.deps.meter.flush(), other.deps.meter.flush()]);
    await Promise.all([api.deps.meter.flush(), other.deps.meter.flush()]);
    await other.close();
    expect(await percents(member)).toEqual([80]);
  }));

it('warns no paid tenant, none about yesterday, and no unconfirmed owner', () =>
  onOneDay(async () => {
    const paid = await foundTenant(5_000);
    await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [
      paid.member.tenantId,
    ]);
    const past = await foundTenant(900);
    await api.sql('update usage_events set day = day - 1 where tenant_id = $1', [past.member.tenantId]);
    const unconfirmed = await foundTenant(900);
    await api.sql('update users set email_verified = false where id = $1', [unconfirmed.member.userId]);
    for (const { token, member } of [past, unconfirmed]) {
      await callAndFlush(token, 1);
      expect(await mailsOf(member)).toEqual([]);
    }
    // The tier is known within a second.
    await until('the paid tenant is served', async () => (await sendCalls([api], paid.token, 1, 1)) === 1);
    await api.deps.meter.flush();
    expect(await mailsOf(paid.member)).toEqual([]);
  }));

it('warns without Redis, and not without billing', () =>
  onOneDay(async () => {
    const { member, token } = await foundTenant(799);
    const billingOff = await startApi({
      env: { ...NO_RATE, BILLING_ENABLED: 'false' },
      database: api.database,
    });
    await callAndFlush(token, 1, billingOff);
    await billingOff.close();
    expect(await mailsOf(member)).toEqual([]);
    const alone = await startApi({
      env: { ...NO_RATE, REDIS_RATE_LIMIT_ENABLED: 'false' },
      database: api.database,
    });
    await callAndFlush(token, 1, alone);
    await alone.close();
    expect(await percents(member)).toEqual([80]);
  }));
