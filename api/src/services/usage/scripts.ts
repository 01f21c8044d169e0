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
local window, rate_max = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
local bucket = math.floor(now / window)
local elapsed = (now - bucket * window) / window
local rate_key = 'rate:' .. ARGV[at + 1] .. ':'
local previous = tonumber(redis.call('GET', rate_key .. (bucket - 1)) or 0)
local current = tonumber(redis.call('GET', rate_key .. bucket) or 0)
local weighted = previous * (1 - elapsed) + current
if weighted + 1 > rate_max then
  local wait
  if current + 1 > rate_max then
    wait = (1 - elapsed) + 1 - (rate_max - 1) / current
  else
    wait = 1 - (rate_max - 1 - current) / previous - elapsed
  end
  return {'rate_limited', now, 0, math.max(1, math.ceil(wait * window)), 0, 0}
end
local remaining = math.floor(rate_max - weighted - 1)
local reset = math.ceil((1 - elapsed) * window)`;

/** Refuses at the limit, else counts the call into this process's own field. */
const TAKE_QUOTA = `
local day, used = math.floor(time[1] / 86400), 0
if ARGV[at + 4] ~= '' then
  local key = 'usage:' .. ARGV[at + 4] .. ':' .. day
  if redis.call('HEXISTS', key, 'seeded') == 0 then return {'unseeded', now, remaining, reset, day, 0} end
  local recorded = tonumber(redis.call('HGET', key, ARGV[at + 5]) or 0)
  local own = recorded
  if tonumber(ARGV[at + 7]) == day then own = math.max(recorded, tonumber(ARGV[at + 8])) end
  used = own - recorded
  for _, count in ipairs(redis.call('HVALS', key)) do used = used + tonumber(count) end
  local quota = tonumber(ARGV[at + 6])
  if quota >= 0 and used >= quota then return {'quota_exceeded', now, remaining, reset, day, used} end
  redis.call('HSET', key, ARGV[at + 5], own + 1)
  redis.call('EXPIRE', key, 259200)
  redis.call('ZADD', 'usage:changed', now, ARGV[at + 4] .. '|' .. day)
  used = used + 1
end`;

/**
 * One call after the other. ARGV, of each: rate key, window ms, rate maximum, tenant or '', process, quota or -1,
 * floor's day, floor.
 */
const ADMIT = `${TIME}
local function admit(at)
${SLIDING_WINDOW}${TAKE_QUOTA}
if redis.call('INCR', rate_key .. bucket) == 1 then redis.call('PEXPIRE', rate_key .. bucket, window * 2) end
return {'allowed', now, remaining, reset, day, used}
end
local replies = {}
for at = 0, #ARGV - 1, 8 do replies[#replies + 1] = admit(at) end
return replies`;

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

export type AdmitReply = [
  outcome: Admission['outcome'] | 'unseeded',
  now: number,
  remaining: number,
  resetMs: number,
  day: number,
  used: number,
];

type AdmitArguments = readonly [
  limitKey: string,
  windowMs: number,
  rateMax: number,
  tenantId: string,
  processId: string,
  quota: number,
  floorDay: number,
  floor: number,
];

interface Scripts {
  admit(...args: (string | number)[]): Promise<AdmitReply[]>;
  raise(...args: (string | number)[]): Promise<null>;
  pingCounters(mark: string, processId: string): Promise<[mark: string, processes: number]>;
  settleChanges(...args: string[]): Promise<null>;
}

/** What the counters ask of Redis; each is given up when it takes too long. */
export interface CounterRedis extends Omit<Scripts, 'admit'> {
  /** Calls of one turn of the event loop go together: most of what one costs is the way. */
  admit(call: AdmitArguments): Promise<AdmitReply>;
  /** The hash of a tenant's day. */
  readDay(tenantId: string, day: number): Promise<Record<string, string>>;
  /** Members and scores of the days that changed, oldest change first. */
  listChanged(limit: number): Promise<string[]>;
}

/** Gives the connection the scripts; each is sent once and called by its hash from then on. */
export const counterRedis = (redis: Redis): CounterRedis => {
  const lua = { admit: ADMIT, raise: RAISE, pingCounters: PING, settleChanges: SETTLE };
  for (const [name, text] of Object.entries(lua)) redis.defineCommand(name, { lua: text, numberOfKeys: 0 });
  const scripts = redis as Redis & Scripts;
  return {
    admit: gather((calls: AdmitArguments[]) => inTime(scripts.admit(...calls.flat()))),
    raise: (...args) => inTime(scripts.raise(...args)),
    pingCounters: (...args) => inTime(scripts.pingCounters(...args)),
    settleChanges: (...args) => inTime(scripts.settleChanges(...args)),
    readDay: (tenantId, day) => inTime(redis.hgetall(`usage:${tenantId}:${day}`)),
    listChanged: (limit) => inTime(redis.zrange('usage:changed', '0', String(limit - 1), 'WITHSCORES')),
  };
};
