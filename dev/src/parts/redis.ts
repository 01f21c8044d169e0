import type { Part } from '../part.ts';
import { keptPort } from '../ports.ts';
import { INSTALL_REDIS, findRedis } from '../redis-program.ts';
import { startRedis } from '../redis-server.ts';

export const redis: Part = {
  name: 'redis',
  async start({ config, children, progress }) {
    if (config.redisUrl) return { found: { redisUrl: config.redisUrl }, note: 'yours (REDIS_URL)' };
    const program = await findRedis(config, children, (text) => progress.detail(text));
    if (!program)
      return { note: `not found, so limits are counted in memory. ${INSTALL_REDIS}, or set REDIS_URL.` };
    const { dataDir } = config;
    const redisUrl = await startRedis({ program, children, dataDir, port: await keptPort(dataDir, 'redis') });
    return { found: { redisUrl }, rows: [['Redis', redisUrl]] };
  },
};
