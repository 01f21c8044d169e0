import { subscriptionStatuses } from '@sentryagent/workflows/rules/subscription';
import { tierIds, tiers } from '@sentryagent/workflows/rules/tiers';
import { z } from 'zod';
import type { Config } from '../../config.ts';
import { readUsage, type Usage } from '../../services/usage/read-usage.ts';
import { readUsageHistory } from '../../services/usage/read-usage-history.ts';
import { readUsageReport, usageRanges } from '../../services/usage/read-usage-report.ts';
import { upgradeUrl } from '../../services/usage/free-tier-limit.ts';
import { routesOf } from '../route.ts';
import {
  answerHistory,
  askedHistory,
  historyQuery,
  historySchema,
  presentHistory,
} from '../usage-history.ts';

const { publicRoute, scopedRoute } = routesOf('billing');
export const tierSchema = z.enum(tierIds).meta({ id: 'TierId' });
const count = z.int().min(0);

const metric = z
  .object({
    today: count,
    period: count,
    limit: count.nullable().meta({ description: '`null`: unlimited.' }),
    resetsAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'MetricUsage' });

const usageSchema = z
  .object({
    tier: tierSchema,
    status: z.enum(subscriptionStatuses),
    renewsAt: z.iso.datetime().nullable(),
    endsAt: z.iso.datetime().nullable(),
    upgradeUrl: z.url().nullable().meta({ description: '`null` on the paid tier.' }),
    period: z.object({ start: z.iso.datetime(), end: z.iso.datetime().meta({ description: 'Exclusive.' }) }),
    day: z.iso.date().meta({ description: 'The UTC day that `today` counts.' }),
    warning: z
      .boolean()
      .meta({ description: 'True on the free tier if 80 % or more of the daily calls are used.' }),
    metrics: z.object({ api_calls: metric, active_agents: metric, token_issuances: metric }),
    refusedToday: z.object({ quota: count, rate: count, agent: count }).meta({
      description:
        'API calls that were refused today, by reason: the daily limit, the rate limit, or the cap of an agent. They are not usage. The numbers can be a minute old, and a crash can lose some.',
    }),
  })
  .meta({ id: 'Usage' });

const iso = (date: Date | null) => date?.toISOString() ?? null;

const presentUsage = (
  { metrics, period, renewsAt, endsAt, ...rest }: Usage,
  { DASHBOARD_URL }: Pick<Config, 'DASHBOARD_URL'>,
) => ({
  ...rest,
  renewsAt: iso(renewsAt),
  endsAt: iso(endsAt),
  upgradeUrl: rest.tier === 'free' ? upgradeUrl(DASHBOARD_URL) : null,
  period: { start: period.start.toISOString(), end: period.end.toISOString() },
  metrics: Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, { ...value, resetsAt: iso(value.resetsAt) }]),
  ),
});

const usage = scopedRoute({
  method: 'get',
  path: '/billing/usage',
  operationId: 'getUsage',
  summary: 'Get the usage, tier and status of the tenant, or the usage history as JSON or CSV',
  access: ['billing:read'],
  neverRefused: true,
  query: z.strictObject(historyQuery),
  responses: {
    200: {
      description: 'The current usage, or the usage history',
      schema: z.union([usageSchema, historySchema]),
    },
  },
  csv: true,
  handle: async (deps, request, { tenantId }) => {
    const asked = askedHistory(request.query);
    if (asked) return answerHistory(await readUsageHistory(deps, tenantId, asked), request);
    return { status: 200, body: presentUsage(await readUsage(deps, tenantId), deps.config) };
  },
});

const tierRow = z
  .object({
    tier: tierSchema,
    name: z.string(),
    limits: z.object({ agents: count.nullable(), apiCallsPerDay: count.nullable() }),
    requestsPerMinute: z.number(),
    price: z
      .object({
        amount: count.meta({ description: 'In the currency’s minor unit.' }),
        currency: z.string(),
        interval: z.literal('month'),
      })
      .nullable(),
    trialDays: count,
  })
  .meta({ id: 'Tier' });

const presentTiers = (config: Config) =>
  Object.values(tiers).map(({ id, name, limits, rateMultiplier, price }) => ({
    tier: id,
    name,
    limits: { agents: limits.agents.max, apiCallsPerDay: limits.apiCallsPerDay.max },
    requestsPerMinute:
      (config.RATE_LIMIT_MAX_REQUESTS * rateMultiplier * 60_000) / config.RATE_LIMIT_WINDOW_MS,
    price,
    trialDays: price ? config.TRIAL_DAYS : 0,
  }));

const report = scopedRoute({
  method: 'get',
  path: '/billing/usage/report',
  operationId: 'getUsageReport',
  summary: 'Get the usage with its history of 30 days and all tiers, in one response',
  access: ['billing:read'],
  neverRefused: true,
  query: z.strictObject({
    range: z
      .enum(usageRanges)
      .default('period')
      .meta({ description: 'The days of `byAgent`. Its last day is today.' }),
  }),
  responses: {
    200: {
      description: 'What the Usage page of the dashboard shows',
      schema: z
        .object({
          usage: usageSchema,
          byDay: historySchema,
          byAgent: historySchema
            .nullable()
            .meta({ description: '`null`: there are too many agents to list.' }),
          tiers: z.array(tierRow),
        })
        .meta({ id: 'UsageReport' }),
    },
  },
  handle: async (deps, { query: { range } }, { tenantId }) => {
    const { usage: current, byDay, byAgent } = await readUsageReport(deps, tenantId, range);
    return {
      status: 200,
      body: {
        usage: presentUsage(current, deps.config),
        byDay: presentHistory(byDay),
        byAgent: byAgent && presentHistory(byAgent),
        tiers: presentTiers(deps.config),
      },
    };
  },
});

const catalogue = publicRoute({
  method: 'get',
  path: '/billing/tiers',
  operationId: 'listTiers',
  summary: 'List the tiers with their limits and prices',
  responses: {
    200: { description: 'All tiers', schema: z.object({ data: z.array(tierRow) }).meta({ id: 'TierList' }) },
  },
  handle: async ({ config }) => ({ status: 200, body: { data: presentTiers(config) } }),
});

export const billingRoutes = [usage, report, catalogue];
