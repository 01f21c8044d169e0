import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { Json, TestMember } from './support/callers.ts';
import { NO_RATE, usageOf } from './support/metered.ts';
import { onOneDay } from './support/one-day.ts';

interface Row {
  day: string | null;
  agentId: string | null;
  agentName: string | null;
  callsToday: number | null;
  metrics: { api_calls: number; token_issuances: number; active_agents: number | null };
}

interface History {
  from: string;
  to: string;
  groupBy: string;
  data: Row[];
}

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ env: NO_RATE });
});
afterAll(() => api.close());

const historyOf = async (member: Pick<TestMember, 'get'>, query: string): Promise<History> => {
  const { status, body } = await member.get(`/billing/usage?${query}`);
  expect(status).toBe(200);
  return body as unknown as History;
};

const daysAgo = (today: string, days: number): string =>
  new Date(Date.parse(today) - days * 86_400_000).toISOString().slice(0, 10);

/** As if so much had been used on the day. The tokens are the agent's. */
const useOn = async (
  { tenantId }: TestMember,
  day: string,
  used: { calls?: number; tokens?: number; agentId?: string },
): Promise<void> => {
  const { calls = 0, tokens = 0, agentId } = used;
  await api.sql(
    `insert into usage_events (tenant_id, day, metric, source, count) values
       ($1, $2, 'api_calls', 'one', $3), ($1, $2, 'api_calls', 'other', 1), ($1, $2, 'token_issuances', 'ledger', $4)`,
    [tenantId, day, calls, tokens],
  );
  if (agentId === undefined) return;
  await api.sql(`insert into agent_usage values ($1, $2, 'token_issuances', $3::date, $4, $3::date)`, [
    tenantId,
    agentId,
    day,
    tokens,
  ]);
};

const tokensOf = (rows: Row[]): number => rows.reduce((sum, { metrics }) => sum + metrics.token_issuances, 0);

describe('by day', () => {
  it('Usage history is grouped by day', () =>
    onOneDay(async (today) => {
      const member = await signUp(api);
      await useOn(member, daysAgo(today, 29), { calls: 29, tokens: 7 });
      await useOn(member, daysAgo(today, 30), { calls: 1_000, tokens: 1_000 });
      const agent = await registerAgent(api, member);
      expect((await agent.get('/agents')).status).toBe(200);

      const { data, ...range } = await historyOf(member, 'groupBy=day');
      expect(range).toEqual({ from: daysAgo(today, 29), to: today, groupBy: 'day' });
      expect(data.map(({ day }) => day)).toEqual(
        Array.from({ length: 30 }, (_, index) => daysAgo(today, 29 - index)),
      );
      expect(data.map(({ metrics }) => metrics)).toEqual([
        { api_calls: 30, token_issuances: 7, active_agents: 0 },
        ...Array.from({ length: 28 }, () => ({ api_calls: 0, token_issuances: 0, active_agents: 0 })),
        { api_calls: 1, token_issuances: 1, active_agents: 1 },
      ]);
      expect(data.every(({ agentId, agentName }) => agentId === null && agentName === null)).toBe(true);
      const asked = await historyOf(member, `from=${range.from}&to=${today}`);
      expect(asked).toEqual({ ...range, data });
    }));

  it('adds up to the usage of the period', () =>
    onOneDay(async (today) => {
      const member = await signUp(api);
      const first = `${today.slice(0, 8)}01`;
      if (first !== today) await useOn(member, first, { calls: 40, tokens: 20 });
      await useOn(member, daysAgo(first, 1), { calls: 500, tokens: 500 });
      const agent = await registerAgent(api, member);
      for (let i = 0; i < 3; i++) await agent.get('/agents');
      const { metrics, period, day } = await usageOf(member);
      const { data } = await historyOf(member, `from=${period.start.slice(0, 10)}&to=${day}&groupBy=day`);
      expect(data.reduce((sum, row) => sum + row.metrics.api_calls, 0)).toBe(metrics.api_calls!.period);
      expect(tokensOf(data)).toBe(metrics.token_issuances!.period);
      expect(metrics.api_calls!.today).toBe(3);
    }));

  it('Active agents have a daily history', () =>
    onOneDay(async (today) => {
      const member = await signUp(api);
      const [early, late] = [await registerAgent(api, member), await registerAgent(api, member)];
      const ended = await registerAgent(api, member);
      expect((await member.send('DELETE', `/agents/${ended.agentId}`)).status).toBe(204);
      const registered = (agentId: string, days: number) =>
        api.sql('update agents set created_at = $2 where id = $1', [
          agentId,
          `${daysAgo(today, days)}T00:00Z`,
        ]);
      await registered(early.agentId, 4);
      await registered(ended.agentId, 3);
      await registered(late.agentId, 2);
      await api.sql('update agents set decommissioned_at = $2 where id = $1', [
        ended.agentId,
        `${daysAgo(today, 1)}T00:00Z`,
      ]);
      const agentsOf = async (range: string) =>
        (await historyOf(member, range)).data.map(({ metrics }) => metrics.active_agents);
      const week = `from=${daysAgo(today, 5)}&to=${daysAgo(today, -1)}`;
      expect(await agentsOf(week)).toEqual([0, 1, 2, 3, 2, 2, 0]);
      // A settled day keeps what it was settled with.
      await api.sql(
        `insert into usage_events (tenant_id, day, metric, source, count) values ($1, $2, 'active_agents', 'settled', 7)`,
        [member.tenantId, daysAgo(today, 3)],
      );
      expect(await agentsOf(week)).toEqual([0, 1, 7, 3, 2, 2, 0]);
    }));

  it('can end in the future, and lasts up to a leap year', async () => {
    const member = await signUp(api);
    const { data } = await historyOf(member, 'from=2096-01-01&to=2096-12-31');
    expect(data).toHaveLength(366);
    expect(new Set(data.map(({ day }) => day)).size).toBe(366);
    expect(data[59]!.day).toBe('2096-02-29');
    const { from, data: one } = await historyOf(member, 'to=1970-01-01&from=1970-01-01');
    expect([from, one.length]).toEqual(['1970-01-01', 1]);
  });

  it.each([
    ['to=2027-02-30', 'query.to', 'To must be a day such as 2027-01-31.'],
    ['from=yesterday', 'query.from', 'From must be a day such as 2027-01-31.'],
    ['from=2027-01-01T00:00:00Z', 'query.from', 'From must be a day such as 2027-01-31.'],
    ['from=0000-01-01&to=1970-01-01', 'query.from', 'From must not be before 1970-01-01.'],
    ['from=2027-01-02&to=2027-01-01', 'query.from', 'From must not be after to, which is today by default.'],
    ['from=9999-12-31', 'query.from', 'From must not be after to, which is today by default.'],
    [
      'from=2096-01-01&to=2097-01-01&groupBy=agent',
      'query.from',
      'From must be at most 365 days before to. Ask for one year at a time.',
    ],
    ['groupBy=agent,day', 'query.groupBy', 'Group by must be day, agent or day,agent.'],
    ['groupBy=day&groupBy=agent', 'query.groupBy', 'Group by must be day, agent or day,agent.'],
  ])('refuses %s', async (query, path, message) => {
    const { status, body } = await (await signUp(api)).get(`/billing/usage?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'validation_failed',
      detail: message,
      errors: [{ path, message }],
    });
  });
});

describe('by agent', () => {
  it('Token issuances are broken down by agent', () =>
    onOneDay(async (today) => {
      const member = await signUp(api);
      const [first, second] = [await registerAgent(api, member), await registerAgent(api, member)];
      const silent = await registerAgent(api, member);
      const yesterday = daysAgo(today, 1);
      await useOn(member, yesterday, { tokens: 5, agentId: second.agentId });
      await Promise.all([first, first, first, second].map((agent) => agent.token()));
      expect((await member.send('DELETE', `/agents/${second.agentId}`)).status).toBe(204);

      const { data } = await historyOf(member, 'groupBy=agent');
      expect(data.map(({ day, agentId, metrics }) => [day, agentId, metrics])).toEqual([
        [null, second.agentId, { api_calls: 0, token_issuances: 6, active_agents: null }],
        [null, first.agentId, { api_calls: 0, token_issuances: 3, active_agents: null }],
      ]);
      expect(tokensOf(data)).toBe(tokensOf((await historyOf(member, 'groupBy=day')).data));

      const both = await historyOf(member, `from=${yesterday}&groupBy=day,agent`);
      expect(both.data.map(({ day }) => day)).toEqual([yesterday, today, today]);
      expect(both.data.map(({ agentId }) => agentId)).not.toContain(silent.agentId);
      expect(tokensOf(both.data)).toBe(tokensOf(data));
      expect(both.data[0]).toEqual({
        day: yesterday,
        agentId: second.agentId,
        agentName: data.find(({ agentId }) => agentId === second.agentId)!.agentName,
        ...{ callCap: null, callsToday: null },
        metrics: { api_calls: 0, token_issuances: 5, active_agents: null },
      });
    }));

  it('has nothing of another tenant', async () => {
    await (await registerAgent(api, await signUp(api))).token();
    expect((await historyOf(await signUp(api), 'groupBy=agent')).data).toEqual([]);
  });
});

describe('as CSV', () => {
  const csvOf = async ({ cookie }: TestMember, query: string, accept = 'text/csv') => {
    const { status, headers, text } = await call(api, `/billing/usage?${query}`, {
      headers: { cookie, accept },
    });
    return { status, headers, lines: text.split('\r\n'), type: headers.get('content-type') };
  };

  it('Usage history downloads as CSV', () =>
    onOneDay(async (today) => {
      const member = await signUp(api);
      const [first, second] = [await registerAgent(api, member), await registerAgent(api, member)];
      const yesterday = daysAgo(today, 1);
      await useOn(member, yesterday, { calls: 12, tokens: 5, agentId: second.agentId });
      await first.get('/agents');
      await member.send('PATCH', `/agents/${first.agentId}`, { name: '=1+1, "so"' });
      await member.send('PATCH', `/agents/${second.agentId}`, { name: 'Zoë' });

      const range = `from=${yesterday}&to=${today}`;
      const byDay = await csvOf(member, `${range}&groupBy=day`);
      expect([byDay.status, byDay.type]).toEqual([200, 'text/csv; charset=utf-8; header=present']);
      expect(byDay.headers.get('content-disposition')).toBe(
        `attachment; filename="sentryagent-usage-by-day-${yesterday}-to-${today}.csv"`,
      );
      expect(byDay.headers.get('vary')).toMatch(/\bAccept\b/);
      const { data } = await historyOf(member, `${range}&groupBy=day`);
      expect(data.map(({ metrics }) => metrics)).toEqual([
        { api_calls: 13, token_issuances: 5, active_agents: 0 },
        { api_calls: 1, token_issuances: 1, active_agents: 2 },
      ]);
      expect(byDay.lines).toEqual([
        'day,api_calls,token_issuances,active_agents',
        ...data.map(
          ({ day, metrics }) =>
            `${day},${metrics.api_calls},${metrics.token_issuances},${metrics.active_agents}`,
        ),
        '',
      ]);

      expect((await csvOf(member, `${range}&groupBy=agent`)).lines).toEqual([
        'agent_id,agent_name,api_calls,token_issuances,calls_today,call_cap,call_cap_mode',
        `${second.agentId},Zoë,0,5,0,,`,
        `${first.agentId},"'=1+1, ""so""",1,1,1,,`,
        '',
      ]);
      const both = await csvOf(member, `${range}&groupBy=day,agent`);
      expect(both.lines.slice(0, 2)).toEqual([
        'day,agent_id,agent_name,api_calls,token_issuances',
        `${yesterday},${second.agentId},Zoë,0,5`,
      ]);
      expect(both.headers.get('content-disposition')).toContain('usage-by-day-and-agent-');
    }));

  it.each([
    ['text/csv', 'csv'],
    ['text/csv, application/json;q=0.5', 'csv'],
    ['application/json, text/csv;q=0.9', 'json'],
    ['text/csv;q=0, */*', 'json'],
    ['*/*', 'json'],
    ['text/html', 'json'],
    ['', 'json'],
  ])('is sent only if the caller prefers it: %j', async (accept, kind) => {
    const { type } = await csvOf(await signUp(api), 'groupBy=day', accept);
    expect(type).toContain(kind);
  });

  it('is a problem in JSON if the request is wrong, and the current usage stays JSON', async () => {
    const member = await signUp(api);
    const wrong = await csvOf(member, 'groupBy=week');
    expect([wrong.status, wrong.type]).toEqual([400, expect.stringContaining('application/problem+json')]);
    expect((await csvOf(member, '')).type).toContain('application/json');
  });
});

it('The last token is shown, and it is the client that gets an exchanged one', async () => {
  const member = await signUp(api);
  const [client, subject] = [await registerAgent(api, member), await registerAgent(api, member)];
  const shownOf = async ({ agentId }: { agentId: string }): Promise<unknown[]> => {
    const { body } = await member.get('/agents');
    const listed = (body.data as Json[]).find((each) => each.agentId === agentId)!.lastTokenAt;
    const path = `/agents/${agentId}`;
    const changed = (await member.send('PATCH', path, { description: String(Math.random()) })).body;
    const same = (await member.send('PATCH', path, { description: changed.description })).body;
    const suspended = (await member.post(`${path}/suspend`, {})).body;
    const active = (await member.post(`${path}/reactivate`, {})).body;
    const got = (await member.get(path)).body;
    return [listed, ...[changed, same, suspended, active, got].map(({ lastTokenAt }) => lastTokenAt)];
  };
  const loggedOf = async ({ agentId }: { agentId: string }): Promise<string> => {
    const [row] = await api.sql(
      `select max(occurred_at) as at from audit_events where actor_id = $1 and action like 'token.%'`,
      [agentId],
    );
    return (row!.at as Date).toISOString();
  };
  const all = (value: string | null) => Array.from({ length: 6 }, () => value);

  expect(await shownOf(client)).toEqual(all(null));
  await client.token();
  const first = await loggedOf(client);
  expect(await shownOf(client)).toEqual(all(first));
  const given = await subject.token();
  const ofSubject = await loggedOf(subject);
  const exchanged = await client.requestToken({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: given,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  });
  expect(exchanged.status).toBe(200);
  const last = await loggedOf(client);
  expect(last > first).toBe(true);
  expect(await shownOf(client)).toEqual(all(last));
  expect(await shownOf(subject)).toEqual(all(ofSubject));
  // A process whose clock is behind does not take it back.
  await api.sql(`update agent_usage set last_at = '9999-01-01Z' where agent_id = $1`, [client.agentId]);
  await client.token();
  expect((await member.get(`/agents/${client.agentId}`)).body.lastTokenAt).toBe('9999-01-01T00:00:00.000Z');

  const { data } = await historyOf(member, 'groupBy=agent');
  expect(data.map(({ agentId, metrics }) => [agentId, metrics.token_issuances])).toEqual([
    [client.agentId, 3],
    [subject.agentId, 1],
  ]);
});

describe('The usage report agrees with its parts', () => {
  it.each(['today', '7d', 'period'])('for %s', (range) =>
    onOneDay(async (today) => {
      const [member, other] = [await signUp(api), await signUp(api)];
      const agent = await registerAgent(api, member);
      await useOn(member, daysAgo(today, 6), { calls: 3, tokens: 5, agentId: agent.agentId });
      await useOn(other, today, { calls: 1_000, tokens: 1_000 });
      expect((await agent.get('/agents')).status).toBe(200);
      const { status, body } = await member.get(`/billing/usage/report?range=${range}`);
      const { day, period } = (await member.get('/billing/usage')).body as {
        day: string;
        period: { start: string };
      };
      const from = { today: day, '7d': daysAgo(day, 6), period: period.start.slice(0, 10) }[range];
      expect([status, body]).toEqual([
        200,
        {
          usage: (await member.get('/billing/usage')).body,
          byDay: await historyOf(member, 'groupBy=day'),
          byAgent: await historyOf(member, `from=${from}&to=${today}&groupBy=agent`),
          tiers: (await member.get('/billing/tiers')).body.data,
        },
      ]);
    }),
  );

  it('without agents if there are too many to list', async () => {
    const member = await signUp(api);
    await api.sql(
      `insert into agent_usage
       select $1, 'agt_' || n, 'token_issuances', (now() at time zone 'UTC')::date, 1, now() from generate_series(1, 10001) n`,
      [member.tenantId],
    );
    const listed = await member.get('/billing/usage?groupBy=agent');
    expect([listed.status, listed.body.detail]).toEqual([
      400,
      expect.stringContaining('Ask for fewer days.'),
    ]);
    const { status, body } = await member.get('/billing/usage/report');
    expect([status, body.byAgent]).toEqual([200, null]);
  });

  it('from today if the period begins later, by the clock of Stripe', () =>
    onOneDay(async (today) => {
      const member = await signUp(api);
      await api.sql(
        `update tenant_subscriptions set period_start = now() + interval '1 day', period_end = now() + interval '1 month'
         where tenant_id = $1`,
        [member.tenantId],
      );
      const { status, body } = await member.get('/billing/usage/report');
      expect([status, body.byAgent]).toEqual([200, { from: today, to: today, groupBy: 'agent', data: [] }]);
    }));

  it('from one transaction, with one connection', async () => {
    const member = await signUp(api);
    const read = async () => (await member.get('/billing/usage/report')).status;
    expect(await read()).toBe(200);
    const begun = vi.spyOn(api.deps.db, 'withTenant');
    expect(await read()).toBe(200);
    // Another one reads the calls of today, and one the tier if a second has gone by.
    expect(begun.mock.calls.length).toBeLessThanOrEqual(3);
    begun.mockRestore();
    // With a second connection at once, it would wait for itself.
    const narrow = await startApi({ env: { ...NO_RATE, DB_POOL_MAX: '1' }, database: api.database });
    const { cookie } = member;
    const reply = await call(narrow, '/billing/usage/report', { headers: { cookie } });
    expect(reply.status).toBe(200);
    await narrow.close();
  });
});
