import { calendarMonth, nextUtcMidnight, utcDay, type Period } from '@sentryagent/workflows/rules/period';
import { shouldWarn } from '@sentryagent/workflows/rules/quota';
import type { SubscriptionStatus } from '@sentryagent/workflows/rules/subscription';
import { tiers, type TierId } from '@sentryagent/workflows/rules/tiers';
import { TenantSubscription } from '../../models/tenant-subscription.ts';
import { UsageEvent, type Metric } from '../../models/usage-event.ts';
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
}

interface Stored {
  /** By the clock of Postgres, like the rows. */
  now: Date;
  subscription: TenantSubscription;
  period: Period;
  agents: number;
  /** API calls of the period before today. */
  earlierCalls: number;
  tokens: { today: number; period: number };
}

const sumOf = async (trx: Transaction, metric: Metric, from: string, before: string): Promise<number> => {
  const row = await UsageEvent.query(trx)
    .where({ metric })
    .where('day', '>=', from)
    .where('day', '<', before)
    .sum('count as total')
    .first();
  return Number((row as unknown as { total: string | null }).total ?? 0);
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
    const [start, today, tomorrow] = [utcDay(period.start), utcDay(now), utcDay(nextUtcMidnight(now))];
    const [agents, earlierCalls, tokensToday, tokensOfPeriod] = await Promise.all([
      countActiveAgents(trx),
      sumOf(trx, 'api_calls', start, today),
      sumOf(trx, 'token_issuances', today, tomorrow),
      sumOf(trx, 'token_issuances', start, tomorrow),
    ]);
    return {
      ...{ now, subscription, period, agents, earlierCalls },
      tokens: { today: tokensToday, period: tokensOfPeriod },
    };
  });

/** The tenant's usage of today and of its period, including the calls of this second. */
export const readUsage = async (
  { db, meter }: { db: Database; meter: Pick<Meter, 'usedToday'> },
  tenantId: string,
): Promise<Usage> => {
  const [stored, callsToday] = await Promise.all([readStored(db, tenantId), meter.usedToday(tenantId)]);
  const { now, subscription, period, agents, earlierCalls, tokens } = stored;
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
        period: earlierCalls + callsToday,
        limit: limits.apiCallsPerDay.max,
        resetsAt: limits.apiCallsPerDay.max === null ? null : nextUtcMidnight(now),
      },
      active_agents: { today: agents, period: agents, limit: limits.agents.max, resetsAt: null },
      token_issuances: { ...tokens, limit: null, resetsAt: null },
    },
  };
};
