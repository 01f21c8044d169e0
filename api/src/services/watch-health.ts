import type { Redis } from 'ioredis';
import type { Database } from '../platform/database.ts';

export type Connection = 'connected' | 'disconnected' | 'disabled';

export interface HealthWatch {
  current(): { database: Connection; redis: Connection };
  stop(): void;
}

const INTERVAL_MS = 2_000;

/** Looks at each dependency every two seconds, beside the requests: asking costs them nothing. */
export const watchHealth = async (
  db: Pick<Database, 'ping'>,
  redis: Redis | undefined,
): Promise<HealthWatch> => {
  let database: Connection = 'disconnected';
  const look = async (): Promise<void> => {
    database = await db.ping().then(
      () => 'connected',
      () => 'disconnected',
    );
  };
  await look();
  const timer = setInterval(() => void look(), INTERVAL_MS);
  timer.unref();
  return {
    current: () => ({
      database,
      redis: redis === undefined ? 'disabled' : redis.status === 'ready' ? 'connected' : 'disconnected',
    }),
    stop: () => clearInterval(timer),
  };
};
