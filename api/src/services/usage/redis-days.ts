import type { Redis } from '../../platform/redis.ts';
import { agentTotals, agentsKeyOf } from './scripts.ts';
import type { TenantDay, Total } from './totals.ts';

/** A settled day is of no use to a decision. An hour lets calls finish that are under way. */
const SETTLED_SECONDS = 3_600;

type Command = [name: string, ...args: (string | number)[]];

/** The code tells operators what is away. */
const unavailable = (cause: unknown): Error =>
  Object.assign(new Error('Redis does not answer', { cause }), { code: 'redis_unavailable' });

const askAll = async <T>(redis: Redis, commands: readonly Command[]): Promise<T[]> => {
  const replies = (await redis.pipeline(commands as Command[]).exec()) ?? [];
  return replies.map(([error, reply]) => {
    if (error) throw unavailable(error);
    return reply as T;
  });
};

const keyOf = ({ tenantId, day }: TenantDay): string => `usage:${tenantId}:${day}`;

type Hash = Readonly<Record<string, string>>;

const readHashes = async (
  redis: Redis,
  days: readonly TenantDay[],
  keyIn: (day: TenantDay) => string,
  totalsOf: (day: TenantDay, hash: Hash) => Total[],
): Promise<Total[]> => {
  const hashes = await askAll<Hash>(
    redis,
    days.map((day) => ['hgetall', keyIn(day)]),
  );
  return hashes.flatMap((hash, place) => totalsOf(days[place]!, hash));
};

/** The API calls that Redis has of these days by agent. */
export const readRedisAgents = (redis: Redis, days: readonly TenantDay[]): Promise<Total[]> =>
  readHashes(redis, days, agentsKeyOf, agentTotals);

/** The API calls that Redis has of these days. */
export const readRedisDays = (redis: Redis, days: readonly TenantDay[]): Promise<Total[]> =>
  readHashes(redis, days, keyOf, (day, hash) =>
    Object.entries(hash)
      .filter(([source]) => source !== 'seeded')
      .map(([source, count]) => ({ ...day, source, count: Number(count) })),
  );

/** Lets Redis forget these days soon. A call that is counted after all keeps its day, and the flush stores it. */
export const expireRedisDays = async (redis: Redis, days: readonly TenantDay[]): Promise<void> => {
  await askAll(
    redis,
    days.flatMap((day) => [
      ['expire', keyOf(day), SETTLED_SECONDS],
      ['expire', agentsKeyOf(day), SETTLED_SECONDS],
    ]),
  );
};
