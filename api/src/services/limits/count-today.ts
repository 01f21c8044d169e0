import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import { nextUtcMidnight } from '@sentryagent/workflows/rules/period';
import { tiers } from '@sentryagent/workflows/rules/tiers';
import { readTime } from '../../platform/clock.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Principal } from '../../platform/principal.ts';
import { limitProblem } from '../../platform/limit-problem.ts';
import type { Problem } from '../../platform/problem.ts';
import { readTier } from '../usage/read-tier.ts';

const MAX_CHECKOUTS = 50;
const MAX_KEYS = 10_000;

const number = new Intl.NumberFormat('en-US');

interface Limit {
  counter: string;
  max: number;
  /** The first sentence of the error, without its period. */
  done: string;
}

const dailyLimit = ({ max, done }: Limit, now: Date): Problem =>
  limitProblem(
    'daily_limit',
    `${done}. Try again after 00:00 UTC.`,
    { windowSeconds: DAY_SECONDS, resetsAt: nextUtcMidnight(now), now },
    { members: { max } },
  );

/**
 * The counter's day is today or tomorrow. It can be tomorrow because a transaction that began after midnight can commit
 * before one that began earlier. A later day is an error, so the counter starts again with today.
 */
const IS_CURRENT = 'c.day between excluded.day and excluded.day + 1';

/**
 * Counts in the transaction of the request, so a failed request counts nothing. The row stays locked until the commit,
 * so parallel requests are counted one after another. The day comes from the clock of Postgres. Problem: `daily_limit`.
 */
const countToday = async (trx: Transaction, tenantId: string, limit: Limit): Promise<void> => {
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `insert into daily_counts as c (tenant_id, counter, day, count)
     values (?, ?, (now() at time zone 'UTC')::date, 1)
     on conflict (tenant_id, counter) do update
       set day = case when ${IS_CURRENT} then c.day else excluded.day end,
         count = case when ${IS_CURRENT} then c.count + 1 else 1 end
       where not (${IS_CURRENT}) or c.count < ?
     returning 1`,
    [tenantId, limit.counter, limit.max],
  );
  if (rows.length === 0) throw dailyLimit(limit, await readTime(trx));
};

/** If billing is disabled, every tenant has the highest limit of all tiers. */
const creationsPerDay = async (trx: Transaction, tenantId: string, isSold: boolean): Promise<number> => {
  if (!isSold) return Math.max(...Object.values(tiers).map((tier) => tier.creationsPerDay));
  return (await readTier(trx, tenantId)).creationsPerDay;
};

/** Reserves 10 % of the limit for members, so that agents cannot use up all of it. */
const shareOf = (max: number, { kind }: Pick<Principal, 'kind'>): number =>
  kind === 'member' ? max : Math.floor(max * 0.9);

/** Counts one agent, credential or resource. Problem: `daily_limit`. */
export const countCreation = async (
  trx: Transaction,
  { config }: { config: { BILLING_ENABLED: boolean } },
  principal: Pick<Principal, 'tenantId' | 'kind'>,
): Promise<void> => {
  const { tenantId } = principal;
  const most = await creationsPerDay(trx, tenantId, config.BILLING_ENABLED);
  const max = shareOf(most, principal);
  const things = `${number.format(most)} agents, credentials and resources`;
  const done =
    principal.kind === 'member'
      ? `Your tenant has created ${things} today. This is the daily limit`
      : `Your tenant has created ${number.format(max)} agents, credentials and resources today. This is the daily limit for requests by agents`;
  await countToday(trx, tenantId, { counter: 'creations', max, done });
};

/** Counts one checkout. It has its own limit, because a tenant at its other limits must be able to pay. Problem: `daily_limit`. */
export const countCheckout = (trx: Transaction, tenantId: string): Promise<void> =>
  countToday(trx, tenantId, {
    counter: 'checkouts',
    max: MAX_CHECKOUTS,
    done: `Your tenant has started ${MAX_CHECKOUTS} checkouts today. This is the daily limit`,
  });

/** Counts one idempotency key. Each caller has its own limit. Problem: `daily_limit`. */
export const countKey = (trx: Transaction, tenantId: string, principal: string): Promise<void> =>
  countToday(trx, tenantId, {
    counter: `keys of ${principal}`,
    max: MAX_KEYS,
    done: `You have sent ${number.format(MAX_KEYS)} requests with a new Idempotency-Key today. This is the daily limit`,
  });
