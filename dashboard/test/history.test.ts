import type { UsageRow } from '@sentryagent/sdk';
import { describe, expect, it } from 'vitest';
import {
  countsOf,
  dayCounts,
  takeHistory,
  totalOf,
  totalOfAgents,
  usageByAgent,
  withToday,
} from '../src/lib/usage/history.ts';
import { freeUsage, metric } from './usage-of.ts';

const span = { from: '2026-11-01', to: '2026-11-23' };

const byDay = (
  day: string,
  api_calls: number,
  token_issuances: number,
  active_agents: number | null,
): UsageRow => ({
  day,
  agentId: null,
  agentName: null,
  callCap: null,
  callsToday: null,
  metrics: { api_calls, token_issuances, active_agents },
});

const byAgent = (agentId: string, tokens: number, callsToday = 0): UsageRow => ({
  day: null,
  agentId,
  agentName: `agent ${agentId}`,
  callCap: null,
  callsToday,
  metrics: { api_calls: 0, token_issuances: tokens, active_agents: null },
});

const agents = (count: number) => Array.from({ length: count }, (_, i) => byAgent(`agt_${i}`, count - i));

const days = Array.from({ length: 30 }, (_, i) =>
  byDay(new Date(Date.UTC(2026, 9, 25 + i)).toISOString().slice(0, 10), i, 2 * i, 3),
);

const usage = freeUsage(0, {
  metrics: {
    api_calls: { ...metric(100, 1_000), period: 900 },
    active_agents: metric(4, 10),
    token_issuances: { ...metric(7), period: 70 },
  },
});

describe('the days', () => {
  it('are those of the API, in its order', () => {
    expect(dayCounts(days).slice(0, 2)).toEqual([
      { day: '2026-10-25', api_calls: 0, token_issuances: 0, active_agents: 3 },
      { day: '2026-10-26', api_calls: 1, token_issuances: 2, active_agents: 3 },
    ]);
    expect(countsOf(dayCounts(days), 'token_issuances').at(-1)).toEqual({ day: '2026-11-23', count: 58 });
  });

  it('have the current counts of today, and no other day has', () => {
    const current = withToday(dayCounts(days), usage);
    expect(current.at(-1)).toEqual({
      day: '2026-11-23',
      api_calls: 100,
      token_issuances: 7,
      active_agents: 4,
    });
    expect(current.slice(0, -1)).toEqual(dayCounts(days).slice(0, -1));
    const tomorrow = withToday(dayCounts(days), { ...usage, day: '2026-11-24' });
    expect(tomorrow).toEqual(dayCounts(days));
  });

  it.each([
    ['today', 100, 7],
    ['7d', 23 + 24 + 25 + 26 + 27 + 28 + 100, 2 * (23 + 24 + 25 + 26 + 27 + 28) + 7],
    ['period', 900, 70],
  ] as const)('add up to the total of %s', (range, calls, tokens) => {
    const current = withToday(dayCounts(days), usage);
    expect(totalOf(range, current, 'api_calls', usage)).toBe(calls);
    expect(totalOf(range, current, 'token_issuances', usage)).toBe(tokens);
    // Agents of several days are no sum.
    expect(totalOf(range, current, 'active_agents', usage)).toBe(4);
  });
});

describe('counts by agent', () => {
  it.each([
    [0, 0, 0],
    [10, 10, 0],
    [11, 11, 0],
    [12, 10, 2],
    [500, 10, 490],
  ])('of %i agents show %i and count %i others', (count, shown, others) => {
    const { tokens } = usageByAgent(span, agents(count));
    expect([tokens.top.length, tokens.others.agents]).toEqual([shown, others]);
    expect(totalOfAgents(tokens)).toBe((count * (count + 1)) / 2);
  });

  it('show the name, and the tokens of the others', () => {
    const { top, others } = usageByAgent(span, agents(12)).tokens;
    expect(top[0]).toEqual({ agentId: 'agt_0', name: 'agent agt_0', cap: null, count: 12 });
    expect(others).toEqual({ agents: 2, count: 3 });
  });

  it('are ranked by themselves, and the calls of today too', () => {
    const rows = [byAgent('agt_1', 9, 2), byAgent('agt_2', 5), byAgent('agt_3', 0, 7)];
    const idsOf = ({ top }: { top: { agentId: string }[] }) => top.map(({ agentId }) => agentId);
    const { tokens, callsToday } = usageByAgent(span, rows);
    expect([idsOf(tokens), idsOf(callsToday)]).toEqual([
      ['agt_1', 'agt_2'],
      ['agt_3', 'agt_1'],
    ]);
  });
});

describe('a history that cannot be read', () => {
  it.each([
    ['is refused', async () => Response.json({ code: 'service_unavailable' }, { status: 503 })],
    ['is no JSON', async () => new Response('<!doctype html>', { status: 200 })],
    ['is never answered', async () => Promise.reject(new TypeError('fetch failed'))],
  ])('%s: there is none, and no error', async (_case, answer) => {
    expect(await takeHistory(answer, span)).toBeNull();
  });

  it('is asked for by its days', async () => {
    const asked: unknown[] = [];
    const none = { top: [], others: { agents: 0, count: 0 } };
    const history = { days: [], byAgent: { ...span, tokens: none, callsToday: none } };
    const answer = async (url: unknown) => {
      asked.push(url);
      return Response.json(history);
    };
    expect(await takeHistory(answer, span)).toEqual(history);
    expect(asked).toEqual(['/usage/history?from=2026-11-01&to=2026-11-23']);
  });
});
