import { batch } from './batch.ts';
import { soon, type Redis } from '../../platform/redis.ts';
import type { Admission } from './admission.ts';
import { keyOf, type Counter, type TenantDay, type Total } from './totals.ts';

/**
 * The counters' Lua. Keys are made inside (no Redis Cluster): time and day are Redis' own, so that processes with
 * clocks apart agree on the window and on midnight.
 *
 *   rate:<key>:<bucket>      calls let through in one window's bucket
 *   usage:<tenant>:<day>     hash: a field per process with the calls that it let through, `seeded` = 0 once the
 *                            day's rows of Postgres are in it; the sum is what the tenant has used
 *   usage:<tenant>:<day>:agents  hash: the same by agent, in fields <agent>/<process> and <agent>/seeded. Only an
 *                            agent with a cap is loaded from Postgres
 *   usage:changed            sorted set of <tenant>|<day> by the time of the last change: what the flush writes
 *   usage:epoch              a random mark: when it is gone, so is everything else
 *   usage:processes          sorted set of live processes by the time of their last ping
 *
 * Changes have the time in microseconds: in one millisecond a day may be read by the flush and change again.
 */
const TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local micros = time[1] * 1000000 + time[2]`;

/** Three days, so that yesterday still exists despite clock skew. */
const expire = (key: string): string => `redis.call('EXPIRE', ${key}, 259200)`;

/**
 * Returns the usage of the day. If Redis has another day than the caller, or the day is not loaded, decides nothing.
 */
const READ_DAY = `
local usage, used, others, own, key = call.usage, 0, 0, 0, nil
if usage then
  if usage.day ~= day then return answer('other_day', 0, 0, 0, 0) end
  key = 'usage:' .. usage.tenantId .. ':' .. day
  if redis.call('HEXISTS', key, 'seeded') == 0 then return answer('unseeded', 0, 0, 0, 0) end
  local recorded = tonumber(redis.call('HGET', key, process) or 0) or 0
  own = math.max(recorded, usage.floor)
  for _, count in ipairs(redis.call('HVALS', key)) do others = others + (tonumber(count) or 0) end
  others = others - recorded
  used = others + own
end`;

/** Sums the calls of an agent with a cap over the processes. */
const READ_AGENT = `
local agent, agents_key, agent_field = usage and usage.agent, nil, nil
used_by_agent, others_of_agent = 0, 0
if agent then
  agents_key, agent_field = key .. ':agents', agent.agentId .. '/' .. process
  if agent.cap then
    if redis.call('HEXISTS', agents_key, agent.agentId .. '/seeded') == 0 then
      return answer('unseeded', 0, 0, used, others)
    end
    for _, source in ipairs(redis.call('HKEYS', key)) do
      if source ~= process then
        local count = redis.call('HGET', agents_key, agent.agentId .. '/' .. source)
        others_of_agent = others_of_agent + (tonumber(count or 0) or 0)
      end
    end
    local recorded = tonumber(redis.call('HGET', agents_key, agent_field) or 0) or 0
    used_by_agent = others_of_agent + math.max(recorded, agent.floor)
  end
end`;

/** A sliding window of two buckets. The older one is weighted by its share of the window. */
const SLIDING_WINDOW = `
local bucket = math.floor(now / window)
local elapsed = (now - bucket * window) / window
local rate_key = 'rate:' .. call.limitKey .. ':'
local previous = tonumber(redis.call('GET', rate_key .. (bucket - 1)) or 0)
local current = tonumber(redis.call('GET', rate_key .. bucket) or 0)
local weighted = previous * (1 - elapsed) + current
if weighted + 1 > call.rateMax then
  local wait
  if current + 1 > call.rateMax then
    wait = (1 - elapsed) + 1 - (call.rateMax - 1) / current
  else
    wait = 1 - (call.rateMax - 1 - current) / previous - elapsed
  end
  return answer('rate_limited', 0, math.max(1, math.ceil(wait * window)), used, others)
end
local remaining = math.floor(call.rateMax - weighted - 1)
local reset = math.ceil((1 - elapsed) * window)`;

/** Counts the call of the agent, if the tenant's total has grown by it. */
const COUNT_AGENT = `
  if agent and counted > own then
    local recorded = tonumber(redis.call('HGET', agents_key, agent_field) or 0) or 0
    local is_new = redis.call('HSET', agents_key, agent_field, math.max(recorded, agent.floor) + 1)
    if is_new == 1 then ${expire('agents_key')} end
    used_by_agent = used_by_agent + 1
  end`;

/** Rejects at a limit. Otherwise counts the call in this process's field. */
const TAKE_QUOTA = `
if usage then
  if agent and agent.cap and used_by_agent >= agent.cap then
    return answer('agent_capped', remaining, reset, used, others)
  end
  if usage.quota and used >= usage.quota then return answer('quota_exceeded', remaining, reset, used, others) end
  local counted = math.max(own, math.min(own + 1, usage.ceiling))
  redis.call('HSET', key, process, counted)
  ${expire('key')}
  redis.call('ZADD', 'usage:changed', micros, usage.tenantId .. '|' .. day)
  used = others + counted${COUNT_AGENT}
end`;

/**
 * Decides the calls one after another. ARGV: window ms, process, the calls as JSON. Returns JSON. One text in each
 * direction takes Redis a quarter less time than hundreds of arguments and replies, and saves event loop time too.
 */
const ADMIT = `${TIME}
local window, process = tonumber(ARGV[1]), ARGV[2]
local day = math.floor(time[1] / 86400)
local used_by_agent, others_of_agent = 0, 0
local function answer(outcome, remaining, reset, used, others)
  return {outcome = outcome, remaining = remaining, resetMs = reset, now = now, used = used, others = others,
    usedByAgent = used_by_agent, othersOfAgent = others_of_agent}
end
local function admit(call)
${READ_DAY}${READ_AGENT}${SLIDING_WINDOW}${TAKE_QUOTA}
if redis.call('INCR', rate_key .. bucket) == 1 then redis.call('PEXPIRE', rate_key .. bucket, window * 2) end
return answer('allowed', remaining, reset, used, others)
end
local replies = {}
for place, call in ipairs(cjson.decode(ARGV[3])) do replies[place] = admit(call) end
return cjson.encode(replies)`;

/**
 * Raises fields to given totals. ARGV: JSON of days with totals, and `1` if these are all totals of Postgres. Then the
 * day is complete, and the flush has nothing to write. Returns the hashes of the tenants.
 */
const RAISE = `${TIME}
local hashes = {}
for place, entry in ipairs(cjson.decode(ARGV[1])) do
  local key, prefix = 'usage:' .. entry.tenantId .. ':' .. entry.day, ''
  if entry.agentId then key, prefix = key .. ':agents', entry.agentId .. '/' end
  for _, total in ipairs(entry.totals) do
    local field = prefix .. total.source
    if total.count > (tonumber(redis.call('HGET', key, field) or 0) or 0) then
      redis.call('HSET', key, field, total.count)
      if ARGV[2] ~= '1' then redis.call('ZADD', 'usage:changed', micros, entry.tenantId .. '|' .. entry.day) end
    end
  end
  if ARGV[2] == '1' then redis.call('HSET', key, prefix .. 'seeded', 0) end
  ${expire('key')}
  hashes[place] = entry.agentId and {} or redis.call('HGETALL', key)
end
return hashes`;

/** ARGV: a mark to set if there is none, process. Returns the mark, the number of live processes and the time. */
const PING = `${TIME}
redis.call('SET', 'usage:epoch', ARGV[1], 'NX')
redis.call('ZADD', 'usage:processes', now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', 'usage:processes', 0, now - 10000)
return {redis.call('GET', 'usage:epoch'), redis.call('ZCARD', 'usage:processes'), now}`;

/** Removes entries from the list of changes, except those that have changed again. ARGV: member, score, … */
const SETTLE = `
for i = 1, #ARGV, 2 do
  if redis.call('ZSCORE', 'usage:changed', ARGV[i]) == ARGV[i + 1] then redis.call('ZREM', 'usage:changed', ARGV[i]) end
end`;

export interface AdmitCall {
  limitKey: string;
  rateMax: number;
  /** For a call that counts as usage: the tenant, the day and the limits of the count. */
  usage?: {
    tenantId: string;
    /** Not set: never rejected. */
    quota?: number | undefined;
    day: number;
    /** The calls of the day that this process has certainly admitted, and those that it can have admitted. */
    floor: number;
    ceiling: number;
    agent?: { agentId: string; cap?: number | undefined; floor: number } | undefined;
  };
}

export interface AdmitReply {
  /** Not decided: the day must be loaded from Postgres first, or Redis has another day. */
  outcome: Admission['outcome'] | 'unseeded' | 'other_day';
  remaining: number;
  resetMs: number;
  /** The time of Redis in ms: it decides the day. */
  now: number;
  used: number;
  /** The part of `used` from other processes. */
  others: number;
  /** The same of an agent with a cap. */
  usedByAgent: number;
  othersOfAgent: number;
}

/** The mark of the data, the number of live processes, and the time of Redis in ms. */
export type Pong = [mark: string, processes: number, now: number];

interface Scripts {
  admit(windowMs: number, processId: string, calls: string): Promise<string>;
  raise(days: string, whole: 0 | 1): Promise<string[][]>;
  pingCounters(mark: string, processId: string): Promise<Pong>;
  settleChanges(...args: string[]): Promise<null>;
}

/** The Redis calls of the counters. Each has a time limit. */
export interface CounterRedis {
  /** Batches the calls of one event loop turn, because the round trip is most of the cost. */
  admit(call: AdmitCall): Promise<AdmitReply>;
  /** Sends the totals of this process. */
  raise(totals: readonly Total[]): Promise<void>;
  /** Sends all totals that Postgres has for some days. Returns the totals in Redis after that. */
  merge(days: readonly Counter[], stored: readonly Total[]): Promise<Total[]>;
  /** The totals of the day by agent. None if there are too many: Postgres has those of a minute ago. */
  readAgents(day: TenantDay): Promise<Total[]>;
  /** Registers this process as live. */
  pingCounters(mark: string): Promise<Pong>;
  /** The score of the newest change. */
  newestChange(): Promise<string | undefined>;
  /** The days that changed until `until` and their scores, oldest change first. */
  listChanged(until: string, limit: number): Promise<string[]>;
  settleChanges(...args: string[]): Promise<null>;
  /** The connection is lost. The next one may lead to a Redis with less data. */
  onClose(listener: () => void): void;
}

/** The totals of the days, in the form of the script. */
const daysWith = (days: readonly Counter[], totals: readonly Total[]): string => {
  const byDay = Map.groupBy(totals, keyOf);
  return JSON.stringify(
    days.map(({ tenantId, day, agentId }) => ({
      tenantId,
      day,
      agentId,
      totals: (byDay.get(keyOf({ tenantId, day, agentId })) ?? []).map(({ source, count }) => ({
        source,
        count,
      })),
    })),
  );
};

/** The fields of a day's hash. */
const totalsOf = ({ tenantId, day }: TenantDay, hash: readonly string[]): Total[] =>
  Array.from({ length: hash.length / 2 }, (_, i) => ({
    tenantId,
    day,
    source: hash[2 * i]!,
    count: Number(hash[2 * i + 1]),
  })).filter(({ source }) => source !== 'seeded');

export const agentsKeyOf = ({ tenantId, day }: TenantDay): string => `usage:${tenantId}:${day}:agents`;

/** Redis answers nobody while it reads a hash: with 40,000 fields, longer than the calls of all tenants may wait. */
const MOST_FIELDS = 10_000;

/** The fields of a day's hash by agent. */
export const agentTotals = (day: TenantDay, hash: Readonly<Record<string, string>>): Total[] =>
  Object.entries(hash).flatMap(([field, count]) => {
    const [agentId, source] = field.split('/') as [string, string];
    return source === 'seeded' ? [] : [{ ...day, agentId, source, count: Number(count) }];
  });

/** Adds the scripts to the connection. Each is sent once and then called by its hash. */
export const counterRedis = (redis: Redis, windowMs: number, processId: string): CounterRedis => {
  const lua = { admit: ADMIT, raise: RAISE, pingCounters: PING, settleChanges: SETTLE };
  for (const [name, text] of Object.entries(lua)) redis.defineCommand(name, { lua: text, numberOfKeys: 0 });
  const scripts = redis as Redis & Scripts;
  return {
    admit: batch(async (calls: AdmitCall[]) => {
      const replies = await soon(redis, scripts.admit(windowMs, processId, JSON.stringify(calls)));
      return JSON.parse(replies) as AdmitReply[];
    }),
    raise: async (totals) => {
      await soon(redis, scripts.raise(daysWith(totals, totals), 0));
    },
    merge: async (days, stored) => {
      const hashes = await soon(redis, scripts.raise(daysWith(days, stored), 1));
      return hashes.flatMap((hash, place) => totalsOf(days[place]!, hash));
    },
    readAgents: async (day) => {
      const key = agentsKeyOf(day);
      if ((await soon(redis, redis.hlen(key))) > MOST_FIELDS) return [];
      return agentTotals(day, await soon(redis, redis.hgetall(key)));
    },
    pingCounters: (mark) => soon(redis, scripts.pingCounters(mark, processId)),
    newestChange: async () => (await soon(redis, redis.zrange('usage:changed', '-1', '-1', 'WITHSCORES')))[1],
    listChanged: (until, limit) =>
      soon(redis, redis.zrangebyscore('usage:changed', '-inf', until, 'WITHSCORES', 'LIMIT', 0, limit)),
    settleChanges: (...args) => soon(redis, scripts.settleChanges(...args)),
    onClose: (listener) => {
      redis.on('close', listener);
    },
  };
};
