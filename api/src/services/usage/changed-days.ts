import type { CounterRedis } from './scripts.ts';
import { dayOfKey, type TenantDay } from './totals.ts';

/** A changed day of a tenant, with the time of the change as its score. */
export interface Change {
  member: string;
  score: string;
}

/** The changes since the last flush until `until`, oldest first. */
export const listChanges = async (redis: CounterRedis, until: string, limit: number): Promise<Change[]> => {
  const flat = await redis.listChanged(until, limit);
  return Array.from({ length: flat.length / 2 }, (_, i) => ({
    member: flat[2 * i]!,
    score: flat[2 * i + 1]!,
  }));
};

/** The days of valid entries. Others have no count. */
export const daysOf = (changes: readonly Change[]): TenantDay[] =>
  changes.flatMap(({ member }) => dayOfKey(member) ?? []);

/** Removes entries from the list, except those that have changed again. */
export const settleChanges = async (redis: CounterRedis, changes: readonly Change[]): Promise<void> => {
  await redis.settleChanges(...changes.flatMap(({ member, score }) => [member, score]));
};
