import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMeter } from '../src/services/usage/meter.ts';
import type { Meter } from '../src/services/usage/meter.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { NO_RATE, ledgerOf, usageOf, useCalls } from './support/metered.ts';
import { onOneDay } from './support/one-day.ts';

const DAY_MS = 86_400_000;

let api: TestApi;
/** A second process of the same deployment; how far its clock is off is the test's. */
let other: TestApi;
let ahead = 0;
const wrongClock = () => new Date(Date.now() + ahead);
beforeAll(async () => {
  api = await startApi({ env: NO_RATE });
  other = await startApi({ env: NO_RATE, database: api.database, clock: wrongClock });
});
afterAll(async () => {
  await other.close();
  await api.close();
});

const register = (process: TestApi, { cookie }: TestMember, name: string, key?: string) =>
  call(process, '/agents', {
    method: 'POST',
    headers: {
      cookie,
      origin: DASHBOARD_URL,
      'content-type': 'application/json',
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: JSON.stringify({ name }),
  });

it.each([400, -400])('A wrong clock begins no day of a counter: %i days off', async (days) => {
  await onOneDay(async (day) => {
    ahead = days * DAY_MS;
    const member = await signUp(api);
    expect((await register(other, member, 'one')).status).toBe(201);
    const count = () =>
      api.sql(`select day::text, count from daily_counts where tenant_id = $1 and counter = 'creations'`, [
        member.tenantId,
      ]);
    expect(await count()).toEqual([{ day, count: 1 }]);
    await api.sql('update daily_counts set count = 1000 where tenant_id = $1', [member.tenantId]);
    for (const process of [api, other]) {
      const { status, body } = await register(process, member, 'more');
      expect([status, body.code]).toEqual([429, 'daily_limit']);
      expect(body.resetsAt).toBe(new Date((Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS).toISOString());
    }
    expect(await count()).toEqual([{ day, count: 1_000 }]);
  });
});

it.each([2, -2])('A wrong clock repeats no act: %i days off', async (days) => {
  ahead = days * DAY_MS;
  const member = await signUp(api);
  const first = await register(api, member, 'once', 'k');
  expect((await register(other, member, 'once', 'k')).text).toBe(first.text);
  const second = await register(other, member, 'twice', 'l');
  expect((await register(api, member, 'twice', 'l')).text).toBe(second.text);
  const made = await api.sql('select name from agents where tenant_id = $1 order by name', [member.tenantId]);
  expect(made).toEqual([{ name: 'once' }, { name: 'twice' }]);
  const entries = await api.sql('select action from audit_events where tenant_id = $1', [member.tenantId]);
  expect(entries).toEqual([{ action: 'agent.created' }, { action: 'agent.created' }]);
});

it.each([1.4, -1.4])('A refused call resets by the clock that refused it: %f days off', async (days) => {
  await onOneDay(async () => {
    ahead = days * DAY_MS;
    const member = await signUp(api);
    await useCalls(api, member.tenantId, 1_000);
    const { body } = await (await registerAgent(api, member)).requestToken({}, other);
    const headers = { authorization: `Bearer ${body.access_token as string}` };
    const refused = await call(other, '/agents', { headers });
    const midnight = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS;
    expect([refused.status, refused.body.resetsAt]).toEqual([429, new Date(midnight).toISOString()]);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(Math.abs(seconds - (midnight - Date.now()) / 1_000)).toBeLessThan(60);
    expect(refused.headers.get('ratelimit')).toContain(`"day";r=0;t=${seconds}`);
  });
});

it('The period and its days are those of the database', async () => {
  await onOneDay(async (day) => {
    ahead = 400 * DAY_MS;
    const member = await signUp(api);
    const { body } = await call(other, '/billing/usage', { headers: { cookie: member.cookie } });
    expect(body).toEqual((await member.get('/billing/usage')).body);
    expect(await usageOf(member)).toMatchObject({ day });
  });
});

describe('A wrong clock gives no calls away', () => {
  const QUOTA = 30;
  const clean: (() => unknown)[] = [];
  afterAll(async () => {
    for (const step of clean) await step();
  });

  /** A meter of a process of its own, over Redis or without. */
  const startMeter = async (hasRedis: boolean, clock: () => Date): Promise<Meter> => {
    const { db, logger, config } = api.deps;
    const redis = hasRedis
      ? Object.assign(api.deps.redis!.duplicate(), { REDIS_TIMEOUT_MS: 1_500 })
      : undefined;
    if (redis) await once(redis, 'ready');
    const meter = createMeter({
      ...{ db, redis, logger, clock },
      config: { ...config, USAGE_FLUSH_INTERVAL_MS: 3_600_000 },
    });
    clean.push(async () => {
      await meter.stop();
      redis?.disconnect();
    });
    return meter;
  };

  const admit = async (meter: Meter, tenantId: string, calls: number): Promise<number> => {
    let allowed = 0;
    for (let i = 0; i < calls; i++) {
      const call = { limitKey: tenantId, rateMax: 1_000_000, metered: { tenantId, quota: QUOTA } };
      if ((await meter.admit(call)).outcome === 'allowed') allowed++;
    }
    return allowed;
  };

  const rowsOf = (tenantId: string) =>
    api.sql('select distinct day::text from usage_events where tenant_id = $1', [tenantId]);

  /** How many days the clock is off, and how many calls are sent then; a flush follows. */
  const TIMES: [title: string, steps: [days: number, calls: number][]][] = [
    ['ahead all along', [2, 2, 2].map((days) => [days, 20])],
    ['behind all along', [-2, -2, -2].map((days) => [days, 20])],
    ['ahead for one flush', [0, 2, 0].map((days) => [days, days === 0 ? 20 : 0])],
    ['set right', [2, 0, 0].map((days) => [days, 20])],
  ];
  const cases = TIMES.flatMap(([title, steps]) =>
    [true, false].map((hasRedis) => ({ title, steps, hasRedis })),
  );

  it.each(cases)('$title, with Redis: $hasRedis', async ({ steps, hasRedis }) => {
    await onOneDay(async (day) => {
      const { tenantId } = await signUp(api);
      let off = 0;
      const meter = await startMeter(hasRedis, () => new Date(Date.now() + off));
      let allowed = 0;
      for (const [days, calls] of steps) {
        off = days * DAY_MS;
        allowed += await admit(meter, tenantId, calls);
        await meter.flush();
      }
      expect([allowed, await meter.usedToday(tenantId)]).toEqual([QUOTA, QUOTA]);
      expect(await ledgerOf(api, tenantId)).toBe(QUOTA);
      expect(await rowsOf(tenantId)).toEqual([{ day }]);
    });
  });

  it('and none at a second process that has no Redis', async () => {
    await onOneDay(async () => {
      const { tenantId } = await signUp(api);
      const right = await startMeter(true, () => new Date());
      expect(await admit(right, tenantId, QUOTA)).toBe(QUOTA);
      await right.flush();
      const wrong = await startMeter(false, () => new Date(Date.now() + 2 * DAY_MS));
      expect(await admit(wrong, tenantId, QUOTA)).toBe(0);
    });
  });
});
