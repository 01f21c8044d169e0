import { createServer } from 'node:http';
import { readConfig } from '../../../../api/src/config.ts';
import { systemClock } from '../../../../api/src/platform/clock.ts';
import { createDatabase } from '../../../../api/src/platform/database.ts';
import { newId } from '../../../../api/src/platform/ids.ts';
import { createLogger } from '../../../../api/src/platform/logger.ts';
import { createRedis } from '../../../../api/src/platform/redis.ts';
import { createMeter } from '../../../../api/src/services/usage/meter.ts';
import { counterRedis } from '../../../../api/src/services/usage/scripts.ts';
import { measureTurns, timed } from '../../load.ts';

/** Measures the gate of each metered request, and the Lua call in it, without HTTP. The arguments are tenants. */
const tenants = process.argv.slice(2);
const config = readConfig();
const logger = createLogger(config.LOG_LEVEL);
const redis = createRedis({ ...config, REDIS_URL: config.REDIS_URL! });
const db = createDatabase(config);
const meter = createMeter({ db, redis, clock: systemClock, logger, config });
const bare = counterRedis(redis, config.RATE_LIMIT_WINDOW_MS, newId('api'));

const [rateMax, quota] = [1_000_000_000, 1_000_000_000];
const day = (): number => Math.floor(Date.now() / 86_400_000);

const admit = async (tenantId: string): Promise<unknown> =>
  meter.admit({ limitKey: `agent:${tenantId}`, rateMax, metered: { tenantId, quota } });

const callLua = async (tenantId: string): Promise<unknown> => {
  const usage = { tenantId, quota, day: day(), floor: 0, ceiling: quota };
  return bare.admit({ limitKey: `agent:${tenantId}`, rateMax, usage });
};

const parts: Readonly<Record<string, (tenantId: string) => Promise<unknown>>> = {
  '/gate': admit,
  '/lua': callLua,
};

// Loads the day of each tenant, so that the script decides.
await Promise.all(tenants.map(admit));
let turn = 0;
createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  const part = parts[pathname];
  if (!part) return void response.end();
  const load = { connections: Number(searchParams.get('connections')), ms: Number(searchParams.get('ms')) };
  const measured = await measureTurns(load, async () => [
    await timed(() => part(tenants[turn++ % tenants.length]!)),
  ]);
  response.end(JSON.stringify(measured));
}).listen(config.API_PORT, config.API_HOST);
