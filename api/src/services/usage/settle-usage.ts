import type { SettledPart } from '@sentryagent/workflows/contracts';
import { epochDay } from '@sentryagent/workflows/rules/period';
import type { Database } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Redis } from '../../platform/redis.ts';
import { createRecorder } from './record-totals.ts';
import { expireRedisDays, readRedisAgents, readRedisDays } from './redis-days.ts';
import { readDays } from './stored-totals.ts';
import { keyOf, type TenantDay, type Total } from './totals.ts';

export interface SettleDeps {
  db: Database;
  /** `undefined`: the processes count in memory, and have written everything to Postgres. */
  redis: Redis | undefined;
  logger: Logger;
}

/** Tenants that are settled at once. */
const PAGE = 500;
/** Pages of one call: a second or two. */
const PAGES = 20;
/** Counts by agent that are stored or closed at once. */
const OF_AGENTS = 5_000;
/** SQLSTATE `query_canceled`: these tenants have more agents than Postgres counts in the time of a statement. */
const TOO_SLOW = '57014';

interface Page {
  day: string;
  settled_to: string;
  tenant_ids: string[];
}

const nextPage = async (db: Database, size: number): Promise<Page | undefined> => {
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: Page[] }>('select * from next_unsettled(?)', [size]),
  );
  return rows[0];
};

/** There is no tenant: every day that can be settled has one. */
const isEmpty = ({ settled_to: to, tenant_ids: ids }: Page): boolean => to === '' && ids.length === 0;

/** Stores what Redis has and Postgres has not, so that it is not late. */
const reconcile = async (
  { db, logger }: SettleDeps,
  redis: Redis,
  days: readonly TenantDay[],
): Promise<void> => {
  const counted = await readRedisDays(redis, days);
  const sourceOf = ({ source, ...day }: Total): string => `${keyOf(day)}|${source}`;
  await db.acrossTenants(async (trx) => {
    const stored = new Map((await readDays(trx, days)).map((total) => [sourceOf(total), total.count]));
    const missing = counted.filter((total) => total.count > (stored.get(sourceOf(total)) ?? 0));
    await createRecorder(logger)(trx, missing, false);
  });
  // In transactions of their own, because a large tenant has many: they do not keep the total from being stored.
  const byAgent = await readRedisAgents(redis, days);
  for (let from = 0; from < byAgent.length; from += OF_AGENTS) {
    const page = byAgent.slice(from, from + OF_AGENTS);
    await db.acrossTenants((trx) => createRecorder(logger)(trx, page, false));
  }
};

/** Closes the calls by agent of all tenants that are settled, also what a run before has left. */
const closeAgentCalls = async (db: Database, onPart: () => void): Promise<void> => {
  let closed: number;
  do {
    onPart();
    const { rows } = await db.acrossTenants((trx) =>
      trx.raw<{ rows: [{ closed: number }] }>('select close_agent_calls(?) as closed', [OF_AGENTS]),
    );
    closed = rows[0].closed;
  } while (closed === OF_AGENTS);
};

/** Returns whether the page is settled: `false` if another run was faster. */
const settlePage = async (
  deps: SettleDeps,
  { day, settled_to: after, tenant_ids: ids }: Page,
  isLast: boolean,
): Promise<boolean> => {
  const { db, redis } = deps;
  const days = ids.map((tenantId) => ({ tenantId, day: epochDay(new Date(day)) }));
  if (redis) await reconcile(deps, redis, days);
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: { settled: boolean }[] }>('select settle_usage(?, ?, ?, ?) as settled', [
      day,
      after,
      ids.at(-1) ?? after,
      isLast,
    ]),
  );
  if (redis) await expireRedisDays(redis, days);
  return rows[0]!.settled;
};

/**
 * Settles the oldest day that has ended and is not settled, for the next tenants: counts their active agents, stores
 * what only Redis has, and makes later counts late. Call it again for the rest. Parallel and repeated calls are safe.
 */
export const settleUsage = async (
  deps: SettleDeps,
  onPage: (part: SettledPart) => void = () => {},
): Promise<SettledPart> => {
  const part: SettledPart = { day: null, tenants: 0, isSettled: false };
  let size = PAGE;
  for (let pages = 0; pages < PAGES && !part.isSettled; pages++) {
    await closeAgentCalls(deps.db, () => onPage(part));
    const page = await nextPage(deps.db, size);
    // Another run has settled the rest of the day.
    if (page?.day !== (part.day ?? page?.day)) return { ...part, isSettled: true };
    if (!page || isEmpty(page)) return part;
    part.day = page.day;
    const { length } = page.tenant_ids;
    const isLast = length < size;
    try {
      if (!(await settlePage(deps, page, isLast))) continue;
      part.tenants += length;
      part.isSettled = isLast;
    } catch (error) {
      if ((error as { code?: string }).code !== TOO_SLOW || length <= 1) throw error;
      size = Math.ceil(length / 2);
    }
  }
  return part;
};
