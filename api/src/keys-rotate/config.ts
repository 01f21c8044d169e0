import { parseArgs } from 'node:util';
import { z } from 'zod';
import { settings } from '../config.ts';
import { parseSettings } from '../platform/settings.ts';

const {
  APP_DATABASE_URL,
  DB_POOL_MAX,
  DB_POOL_MIN,
  DB_POOL_IDLE_TIMEOUT_MS,
  DB_POOL_CONNECTION_TIMEOUT_MS,
  KEY_ENCRYPTION_KEYS,
} = settings.shape;

const rotateSettings = z.object({
  APP_DATABASE_URL,
  DB_POOL_MAX,
  DB_POOL_MIN,
  DB_POOL_IDLE_TIMEOUT_MS,
  DB_POOL_CONNECTION_TIMEOUT_MS,
  KEY_ENCRYPTION_KEYS,
});

export type RotateConfig = z.infer<typeof rotateSettings> & {
  /** Only show the keys. */
  list: boolean;
  /** The id of a key that is to be gone at once. */
  emergency?: string | undefined;
};

const USAGE = 'Usage: npm run keys:rotate [-- --list | --emergency <kid>]';

/** The one place of this program that reads its environment. Exits 78 (EX_CONFIG) when it can't go on. */
export const readConfig = (): RotateConfig => {
  try {
    const { values } = parseArgs({
      options: { list: { type: 'boolean', default: false }, emergency: { type: 'string' } },
    });
    if (values.list && values.emergency !== undefined)
      throw new Error('Use --list or --emergency, not both.');
    const config = parseSettings('rotation of the signing keys', rotateSettings, process.env);
    return { ...config, ...values };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\nSee .env.example for what each is for.\n`);
    process.exit(78);
  }
};
