import type { CounterRedis } from './scripts.ts';
import { dayOfKey } from './totals.ts';
import type { TenantDay } from './totals.ts';

/** An entry of the list of what changed: a tenant's day, with the score that says when. */
export interface Change {
  member: string;
  score: string;
}

/** What changed since the last flush and not after `until`, oldest first. */
export const listChanges = async (redis: CounterRedis, until: string, limit: number): Promise<Change[]> => {
  const flat = await redis.listChanged(until, limit);
  return Array.from({ length: flat.length / 2 }, (_, i) => ({
    member: flat[2 * i]!,
    score: flat[2 * i + 1]!,
  }));
};

/** The days; an entry that names none holds no count. */
export const daysOf = (changes: readonly Change[]): TenantDay[] =>
  changes.flatMap(({ member }) => dayOfKey(member) ?? []);

/** Takes entries off the list, but for those that changed again meanwhile. */
export const settleChanges = async (redis: CounterRedis, changes: readonly Change[]): Promise<void> => {
  await redis.settleChanges(...changes.flatMap(({ member, score }) => [member, score]));
};
