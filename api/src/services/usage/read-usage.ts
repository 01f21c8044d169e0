import { calendarMonth, nextUtcMidnight, utcDay, type Period } from '@sentryagent/workflows/rules/period';
import { shouldWarn } from '@sentryagent/workflows/rules/quota';
import type { SubscriptionStatus } from '@sentryagent/workflows/rules/subscription';
import { tiers, type TierId } from '@sentryagent/workflows/rules/tiers';
import { TenantSubscription } from '../../models/tenant-subscription.ts';
import type { Metric, RefusedMetric } from '../../models/usage-event.ts';
import { readTime } from '../../platform/clock.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { countActiveAgents } from './count-active-agents.ts';
import type { Meter } from './meter.ts';

export interface MetricUsage {
  today: number;
  period: number;
  /** `null`: unlimited. */
  limit: number | null;
  resetsAt: Date | null;
}

export interface Usage {
  tier: TierId;
  status: SubscriptionStatus;
  renewsAt: Date | null;
  endsAt: Date | null;
  period: Period;
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  /** True on the free tier, from its first warning threshold on. */
  warning: boolean;
  metrics: Record<Metric, MetricUsage>;
  /** API calls that were refused today, by the limit that refused them. They are no usage. */
  refusedToday: Record<'quota' | 'rate' | 'agent', number>;
}

interface Stored {
  /** By the clock of Postgres, like the rows. */
  now: Date;
  subscription: TenantSubscription;
  period: Period;
  agents: number;
  counts(metric: Metric | RefusedMetric): { today: number; period: number };
}

/** The stored counts of the days from `from` to `today`. */
const readCounts = async (
  trx: Transaction,
  tenantId: string,
  from: string,
  today: string,
): Promise<Stored['counts']> => {
  const { rows } = await trx.raw<{ rows: { metric: string; today: number; period: number }[] }>(
    `select metric, coalesce(sum(count) filter (where day = :today), 0)::bigint as today, sum(count)::bigint as period
     from usage_events where tenant_id = :tenantId and day between :from and :today group by metric`,
    { tenantId, from, today },
  );
  const byMetric = new Map(rows.map(({ metric, ...counts }) => [metric, counts]));
  return (metric) => byMetric.get(metric) ?? { today: 0, period: 0 };
};

/** The billing period from Stripe on the paid tier, else the UTC calendar month. */
const periodOf = ({ periodStart, periodEnd }: TenantSubscription, now: Date): Period =>
  periodStart && periodEnd && periodEnd > now ? { start: periodStart, end: periodEnd } : calendarMonth(now);

const readStored = (db: Database, tenantId: string): Promise<Stored> =>
  db.withTenant(tenantId, async (trx) => {
    const [now, subscription] = await Promise.all([
      readTime(trx),
      TenantSubscription.query(trx).findById(tenantId).throwIfNotFound(),
    ]);
    const period = periodOf(subscription, now);
    const [agents, counts] = await Promise.all([
      countActiveAgents(trx),
      readCounts(trx, tenantId, utcDay(period.start), utcDay(now)),
    ]);
    return { now, subscription, period, agents, counts };
  });

/** The tenant's usage of today and of its period, including the calls of this second. */
export const readUsage = async (
  { db, meter }: { db: Database; meter: Pick<Meter, 'usedToday'> },
  tenantId: string,
): Promise<Usage> => {
  const [stored, callsToday] = await Promise.all([readStored(db, tenantId), meter.usedToday(tenantId)]);
  const { now, subscription, period, agents, counts } = stored;
  const storedCalls = counts('api_calls');
  const tier = tiers[subscription.tier];
  const { limits } = tier;
  return {
    tier: tier.id,
    status: subscription.status,
    renewsAt: subscription.renewsAt,
    endsAt: subscription.endsAt,
    period,
    day: utcDay(now),
    warning: shouldWarn(tier, callsToday),
    metrics: {
      api_calls: {
        today: callsToday,
        period: storedCalls.period - storedCalls.today + callsToday,
        limit: limits.apiCallsPerDay.max,
        resetsAt: limits.apiCallsPerDay.max === null ? null : nextUtcMidnight(now),
      },
      active_agents: { today: agents, period: agents, limit: limits.agents.max, resetsAt: null },
      token_issuances: { ...counts('token_issuances'), limit: null, resetsAt: null },
    },
    refusedToday: {
      quota: counts('refused_quota').today,
      rate: counts('refused_rate').today,
      agent: counts('refused_agent').today,
    },
  };
};
