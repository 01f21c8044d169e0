import type { Redis } from 'ioredis';
import { gather } from '../../platform/gather.ts';
import { inTime } from '../../platform/redis.ts';
import type { Admission } from './admission.ts';

/**
 * The counters' Lua. Keys are made inside (no Redis Cluster): time and day are Redis' own, so that processes with
 * clocks apart agree on the window and on midnight.
 *
 *   rate:<key>:<bucket>      calls let through in one window's bucket
 *   usage:<tenant>:<day>     hash: a field per process with the calls that it let through, `seeded` = 0 once the
 *                            day's rows of Postgres are in it; the sum is what the tenant has used
 *   usage:changed            sorted set of <tenant>|<day> by the time of the last change: what the flush writes
 *   usage:epoch              a random mark: when it is gone, so is everything else
 *   usage:processes          sorted set of live processes by the time of their last ping
 */
const TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** Two buckets weighted by how much of the window still covers the older one. */
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
  return answer('rate_limited', 0, math.max(1, math.ceil(wait * window)), 0)
end
local remaining = math.floor(call.rateMax - weighted - 1)
local reset = math.ceil((1 - elapsed) * window)`;

/** Refuses at the limit, else counts the call into this process's own field. */
const TAKE_QUOTA = `
local used = 0
if call.tenantId then
  local key = 'usage:' .. call.tenantId .. ':' .. day
  if redis.call('HEXISTS', key, 'seeded') == 0 then return answer('unseeded', remaining, reset, 0) end
  local recorded = tonumber(redis.call('HGET', key, process) or 0)
  local own = recorded
  if call.floorDay == day then own = math.max(recorded, call.floor) end
  used = own - recorded
  for _, count in ipairs(redis.call('HVALS', key)) do used = used + tonumber(count) end
  if call.quota and used >= call.quota then return answer('quota_exceeded', remaining, reset, used) end
  redis.call('HSET', key, process, own + 1)
  redis.call('EXPIRE', key, 259200)
  redis.call('ZADD', 'usage:changed', now, call.tenantId .. '|' .. day)
  used = used + 1
end`;

/**
 * One call after the other. ARGV: window ms, process, the calls as JSON. Answers JSON: one text there and one back
 * cost Redis a quarter less than hundreds of arguments and replies, and the event loop less, too.
 */
const ADMIT = `${TIME}
local window, process = tonumber(ARGV[1]), ARGV[2]
local day = math.floor(time[1] / 86400)
local function answer(outcome, remaining, reset, used)
  return {outcome = outcome, remaining = remaining, resetMs = reset, day = day, used = used}
end
local function admit(call)
${SLIDING_WINDOW}${TAKE_QUOTA}
if redis.call('INCR', rate_key .. bucket) == 1 then redis.call('PEXPIRE', rate_key .. bucket, window * 2) end
return answer('allowed', remaining, reset, used)
end
local replies = {}
for place, call in ipairs(cjson.decode(ARGV[3])) do replies[place] = admit(call) end
return cjson.encode(replies)`;

/** Raises fields to totals known elsewhere. ARGV: tenant, day, `1` when these are the day's rows, source, total, … */
const RAISE = `${TIME}
local key = 'usage:' .. ARGV[1] .. ':' .. ARGV[2]
for i = 4, #ARGV, 2 do
  if tonumber(ARGV[i + 1]) > tonumber(redis.call('HGET', key, ARGV[i]) or 0) then
    redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    redis.call('ZADD', 'usage:changed', now, ARGV[1] .. '|' .. ARGV[2])
  end
end
if ARGV[3] == '1' then redis.call('HSET', key, 'seeded', 0) end
redis.call('EXPIRE', key, 259200)`;

/** ARGV: a mark to set when there is none, process. Answers the mark and the number of live processes. */
const PING = `${TIME}
redis.call('SET', 'usage:epoch', ARGV[1], 'NX')
redis.call('ZADD', 'usage:processes', now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', 'usage:processes', 0, now - 10000)
return {redis.call('GET', 'usage:epoch'), redis.call('ZCARD', 'usage:processes')}`;

/** Takes entries off the list of changes unless they changed again meanwhile. ARGV: member, score, … */
const SETTLE = `
for i = 1, #ARGV, 2 do
  if redis.call('ZSCORE', 'usage:changed', ARGV[i]) == ARGV[i + 1] then redis.call('ZREM', 'usage:changed', ARGV[i]) end
end`;

export interface AdmitCall {
  limitKey: string;
  rateMax: number;
  /** Of a call that is usage: whose, and what else the count needs. */
  tenantId?: string | undefined;
  /** Absent: not refused. */
  quota?: number | undefined;
  /** What this process knows itself to have let through on its own day. */
  floorDay: number;
  floor: number;
}

export interface AdmitReply {
  outcome: Admission['outcome'] | 'unseeded';
  remaining: number;
  resetMs: number;
  day: number;
  used: number;
}

interface Scripts {
  admit(windowMs: number, processId: string, calls: string): Promise<string>;
  raise(...args: (string | number)[]): Promise<null>;
  pingCounters(mark: string, processId: string): Promise<[mark: string, processes: number]>;
  settleChanges(...args: string[]): Promise<null>;
}

/** What the counters ask of Redis; each is given up when it takes too long. */
export interface CounterRedis extends Omit<Scripts, 'admit' | 'pingCounters'> {
  /** Calls of one turn of the event loop go together: most of what one costs is the way. */
  admit(call: AdmitCall): Promise<AdmitReply>;
  /** Says that this process lives. Answers the mark of the data and the number of live processes. */
  pingCounters(mark: string): Promise<[mark: string, processes: number]>;
  /** The hash of a tenant's day. */
  readDay(tenantId: string, day: number): Promise<Record<string, string>>;
  /** Members and scores of the days that changed, oldest change first. */
  listChanged(limit: number): Promise<string[]>;
}

/** Gives the connection the scripts; each is sent once and called by its hash from then on. */
export const counterRedis = (redis: Redis, windowMs: number, processId: string): CounterRedis => {
  const lua = { admit: ADMIT, raise: RAISE, pingCounters: PING, settleChanges: SETTLE };
  for (const [name, text] of Object.entries(lua)) redis.defineCommand(name, { lua: text, numberOfKeys: 0 });
  const scripts = redis as Redis & Scripts;
  return {
    admit: gather(async (calls: AdmitCall[]) => {
      const replies = await inTime(scripts.admit(windowMs, processId, JSON.stringify(calls)));
      return JSON.parse(replies) as AdmitReply[];
    }),
    raise: (...args) => inTime(scripts.raise(...args)),
    pingCounters: (mark) => inTime(scripts.pingCounters(mark, processId)),
    settleChanges: (...args) => inTime(scripts.settleChanges(...args)),
    readDay: (tenantId, day) => inTime(redis.hgetall(`usage:${tenantId}:${day}`)),
    listChanged: (limit) => inTime(redis.zrange('usage:changed', '0', String(limit - 1), 'WITHSCORES')),
  };
};
