import { DAY_MS } from '@sentryagent/workflows/rules/durations';
import { utcDay } from '@sentryagent/workflows/rules/period';
import { joinTransaction } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';
import { readUsage, type Usage } from './read-usage.ts';
import { readUsageHistory, type UsageHistory } from './read-usage-history.ts';

export const usageRanges = ['today', '7d', 'period'] as const;
export type UsageRange = (typeof usageRanges)[number];

export interface UsageReport {
  usage: Usage;
  byDay: UsageHistory;
  /** `null`: there are too many agents to list. */
  byAgent: UsageHistory | null;
}

type ReportDeps = Parameters<typeof readUsageHistory>[0];

/** The first day of a range whose last day is today. */
const firstDay = (range: UsageRange, { day, period }: Usage): string => {
  if (range === 'today') return day;
  if (range === '7d') return utcDay(new Date(Date.parse(day) - 6 * DAY_MS));
  const start = utcDay(period.start);
  return start < day ? start : day;
};

const nullIfTooMany = (error: unknown): null => {
  if (error instanceof Problem && error.code === 'validation_failed') return null;
  throw error;
};

/**
 * The current usage and its history, from one transaction. The calls of today are read before it: a request that waits
 * for Redis or a second connection while it has one can block all others.
 */
export const readUsageReport = async (
  { db, meter }: ReportDeps,
  tenantId: string,
  range: UsageRange,
): Promise<UsageReport> => {
  const [callsToday, byAgentNow] = await Promise.all([
    meter.usedToday(tenantId),
    meter.callsByAgent(tenantId),
  ]);
  return db.withTenant(tenantId, async (trx) => {
    const joined = {
      db: { ...db, ...joinTransaction(tenantId, trx) },
      meter: { usedToday: async () => callsToday, callsByAgent: async () => byAgentNow },
    };
    const [usage, byDay] = await Promise.all([
      readUsage(joined, tenantId),
      readUsageHistory(joined, tenantId, { groupBy: 'day' }),
    ]);
    const days = { from: firstDay(range, usage), to: usage.day };
    const byAgent = readUsageHistory(joined, tenantId, { ...days, groupBy: 'agent' });
    return { usage, byDay, byAgent: await byAgent.catch(nullIfTooMany) };
  });
};
