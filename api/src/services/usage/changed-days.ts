import type { CounterRedis } from './scripts.ts';
import { toTotals } from './totals.ts';
import type { Total } from './totals.ts';

/** A tenant's day whose counts changed, with the score that says when. */
export interface ChangedDay {
  member: string;
  score: string;
  tenantId: string;
  day: number;
}

/** The days that changed since the last flush, oldest change first. */
export const listChangedDays = async (redis: CounterRedis, limit: number): Promise<ChangedDay[]> => {
  const flat = await redis.listChanged(limit);
  return Array.from({ length: flat.length / 2 }, (_, i) => {
    const member = flat[2 * i]!;
    const [tenantId = '', day = ''] = member.split('|');
    return { member, score: flat[2 * i + 1]!, tenantId, day: Number(day) };
  });
};

/** Every process's total of a changed day. */
export const readChangedDay = async (redis: CounterRedis, { tenantId, day }: ChangedDay): Promise<Total[]> =>
  toTotals(tenantId, day, await redis.readDay(tenantId, day));

/** Takes days off the list, but for those that changed again meanwhile. */
export const settleChangedDays = async (redis: CounterRedis, days: readonly ChangedDay[]): Promise<void> => {
  await redis.settleChanges(...days.flatMap(({ member, score }) => [member, score]));
};
