import { tiers } from '@sentryagent/workflows/rules/tiers';
import { describe, expect, it } from 'vitest';
import { admitClient, admitPrincipal, rateLimited } from '../../src/http/admit.ts';
import type { Principal } from '../../src/platform/principal.ts';
import type { Problem } from '../../src/platform/problem.ts';
import type { Admission, Call } from '../../src/services/usage/admission.ts';

const agent = { kind: 'agent', id: 'agt_1', tenantId: 'ten_free' } as unknown as Principal;
const member = { ...agent, kind: 'member', id: 'usr_1' } as unknown as Principal;
const paying = { ...agent, tenantId: 'ten_paid' } as unknown as Principal;
const allowed: Admission = {
  outcome: 'allowed',
  rate: { remaining: 99, resetMs: 1_500 },
  used: 400,
  usedByAgent: 40,
  now: new Date('2026-11-23T23:59:30.500Z'),
};

/** What the limits are asked about a request, and what its caller gets if they answer so. */
const admit = (answer: Partial<Admission> = {}, isBilled = true, cap?: number) => {
  const calls: Call[] = [];
  /** The tenants whose API calls were counted. */
  const counted: string[] = [];
  const deps = {
    meter: {
      admit: async (call: Call) => {
        calls.push(call);
        return { ...allowed, ...answer };
      },
    },
    callCaps: { get: () => cap },
    findTier: async (tenantId: string) => tiers[tenantId === 'ten_paid' ? 'paid' : 'free'],
    metrics: { apiCall: (tenantId: string) => void counted.push(tenantId) },
    config: {
      ...{ RATE_LIMIT_WINDOW_MS: 60_000, RATE_LIMIT_MAX_REQUESTS: 100, BILLING_ENABLED: isBilled },
      DASHBOARD_URL: 'https://app.test',
    },
  } as never;
  return { deps, calls, counted };
};

describe('a request of a caller', () => {
  it.each<[what: string, caller: Principal, neverRefused: boolean, isBilled: boolean, call: Call]>([
    [
      'an agent',
      agent,
      false,
      true,
      {
        limitKey: 'agent:agt_1',
        rateMax: 100,
        metered: { tenantId: 'ten_free', quota: 1_000, agentId: 'agt_1' },
      },
    ],
    [
      'an agent that pays',
      paying,
      false,
      true,
      {
        limitKey: 'agent:agt_1',
        rateMax: 1_000,
        metered: { tenantId: 'ten_paid', quota: null, agentId: 'agt_1' },
      },
    ],
    [
      'an agent at a route that is never refused',
      agent,
      true,
      true,
      {
        limitKey: 'agent:agt_1',
        rateMax: 100,
        metered: { tenantId: 'ten_free', quota: null, agentId: 'agt_1' },
      },
    ],
    [
      'an agent where nothing is sold',
      agent,
      false,
      false,
      {
        limitKey: 'agent:agt_1',
        rateMax: 100,
        metered: { tenantId: 'ten_free', quota: null, agentId: 'agt_1' },
      },
    ],
    ['a member', member, false, true, { limitKey: 'member:usr_1', rateMax: 100, metered: undefined }],
  ])('is counted by who it is: %s', async (_what, caller, neverRefused, isBilled, call) => {
    const { deps, calls, counted } = admit({}, isBilled);
    await admitPrincipal(deps, caller, neverRefused);
    expect(calls).toEqual([call]);
    expect(counted).toEqual(call.metered ? [caller.tenantId] : []);
  });

  it('is told its limits, that of the day only if it has one', async () => {
    const window = { 'RateLimit-Policy': '"window";q=100;w=60', RateLimit: '"window";r=99;t=2' };
    expect(await admitPrincipal(admit().deps, member, false)).toEqual(window);
    expect(await admitPrincipal(admit().deps, agent, true)).toEqual(window);
    expect(await admitPrincipal(admit().deps, agent, false)).toEqual({
      'RateLimit-Policy': `${window['RateLimit-Policy']}, "day";q=1000;w=86400`,
      RateLimit: `${window.RateLimit}, "day";r=600;t=30`,
    });
    const { RateLimit: over } = await admitPrincipal(admit({ used: 1_037 }).deps, agent, false);
    expect(over).toContain('"day";r=0;t=30');
    const capped = await admitPrincipal(admit({}, true, 50).deps, agent, false);
    expect(capped.RateLimit).toContain('"day";r=600;t=30, "agent";r=10;t=30');
    expect(await admitPrincipal(admit({}, true, 50).deps, agent, true)).toEqual(window);
  });

  const refusal = async (answer: Partial<Admission>, cap?: number): Promise<Problem> => {
    const { deps, counted } = admit(answer, true, cap);
    const refused = await admitPrincipal(deps, agent, false).then(
      () => expect.unreachable('it was admitted'),
      (error: unknown) => error as Problem,
    );
    expect(counted).toEqual([]);
    return refused;
  };

  it('over the rate is refused until the next may come', async () => {
    const rate = { remaining: 0, resetMs: 4_001 };
    expect(await refusal({ outcome: 'rate_limited', rate })).toMatchObject({
      code: 'rate_limited',
      detail: 'Too many requests. Try again in 5 seconds.',
      members: { error: 'rate_limited', window: 60, retryable: true, resetsAt: '2026-11-23T23:59:34.501Z' },
      tenantId: 'ten_free',
      headers: { 'Retry-After': '5', RateLimit: expect.stringContaining('r=0;t=5') },
    });
  });

  it('over the cap of the agent is refused until the day ends', async () => {
    expect(await refusal({ outcome: 'agent_capped', usedByAgent: 50 }, 50)).toMatchObject({
      code: 'agent_limit',
      detail: expect.stringContaining('daily cap of 50 API calls'),
      members: {
        ...{ error: 'agent_limit', limit: 'api_calls', max: 50, used: 50, window: 86_400, retryable: true },
        resetsAt: '2026-11-24T00:00:00.000Z',
      },
      headers: { 'Retry-After': '30', RateLimit: expect.stringContaining('"agent";r=0') },
    });
  });

  it('over the quota is refused until the day ends', async () => {
    expect(await refusal({ outcome: 'quota_exceeded', used: 1_000 })).toMatchObject({
      code: 'free_tier_limit',
      detail: expect.stringContaining('1000 API calls per UTC day'),
      members: {
        ...{ max: 1_000, used: 1_000, window: 86_400, retryable: true },
        resetsAt: '2026-11-24T00:00:00.000Z',
        upgradeUrl: 'https://app.test/pricing',
      },
      headers: { 'Retry-After': '30', RateLimit: expect.stringContaining('"day";r=0') },
    });
  });
});

it.each([
  [undefined, 'client:agt_1'],
  ['introspection', 'introspection:agt_1'],
  ['revocation', 'revocation:agt_1'],
] as const)('each OAuth endpoint has its own limit of a client: %s', async (work, limitKey) => {
  const client = { tenantId: 'ten_paid', agentId: 'agt_1' };
  const { deps, calls, counted } = admit();
  await admitClient(deps, client, work);
  expect([calls, counted]).toEqual([[{ limitKey, rateMax: 1_000 }], []]);
  const refused = await admitClient(admit({ outcome: 'rate_limited' }).deps, client, work).catch(
    (error) => error,
  );
  expect(refused).toMatchObject({ code: 'rate_limited', tenantId: 'ten_paid' });
});

it('a refusal says when to try again, in its own words if it has some, and never at once', () => {
  const refused = rateLimited({ waitMs: 0, windowSeconds: 60, reason: 'No' }, { 'X-Own': 'x' });
  expect([refused.detail, refused.headers]).toEqual([
    'No. Try again in 1 second.',
    { 'X-Own': 'x', 'Retry-After': '1' },
  ]);
  expect(rateLimited({ waitMs: 61_000, windowSeconds: 60, reason: 'No', when: 'later' })).toMatchObject({
    detail: 'No. Try again later.',
    headers: { 'Retry-After': '61' },
  });
});
