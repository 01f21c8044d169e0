import proxyAddr from 'proxy-addr';
import { z } from 'zod';
import { parseKeyring } from './platform/keyring.ts';

const flag = (initial: boolean) =>
  z
    .enum(['true', 'false'])
    .default(initial ? 'true' : 'false')
    .transform((text) => text === 'true');

const count = (initial: number, min = 1) => z.coerce.number().int().min(min).default(initial);

/** An origin alone: the issuer, audiences and cookies are compared byte by byte. */
const origin = (initial: string) =>
  z
    .string()
    .default(initial)
    .refine((text) => URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text), {
      error: 'must be an http(s) origin without a path, such as https://api.example.com',
    });

const keyring = z.string().transform((text, context) => {
  try {
    return parseKeyring(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

const url = (protocol: RegExp) => z.url({ protocol, error: `must be a ${protocol.source} URL` });

const proxies = z
  .string()
  .default('loopback')
  .transform((text, context) => {
    const list = text.split(',').map((proxy) => proxy.trim());
    try {
      proxyAddr.compile(list);
      return list;
    } catch {
      context.addIssue({ code: 'custom', message: 'must list addresses, subnets or names such as loopback' });
      return z.NEVER;
    }
  });

/** Every setting of the API. The comments in `.env.example` say what each is for. */
export const settings = z.object({
  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  PUBLIC_URL: origin('http://localhost:3000'),
  DASHBOARD_URL: origin('http://localhost:3001'),
  APP_DATABASE_URL: url(/^postgres(ql)?$/),
  DB_POOL_MAX: count(20),
  DB_POOL_MIN: count(2, 0),
  DB_POOL_IDLE_TIMEOUT_MS: count(30_000),
  DB_POOL_CONNECTION_TIMEOUT_MS: count(5_000),
  REDIS_URL: url(/^rediss?$/).optional(),
  REDIS_RATE_LIMIT_ENABLED: flag(true),
  RATE_LIMIT_WINDOW_MS: count(60_000),
  RATE_LIMIT_MAX_REQUESTS: count(100),
  TRUSTED_PROXIES: proxies,
  AUTH_SECRET: z.string().min(32, 'must have at least 32 characters'),
  KEY_ENCRYPTION_KEYS: keyring,
  CLIENT_SECRET_PEPPERS: keyring,
  TOKEN_TTL_SECONDS: z.coerce.number().int().min(60).max(3_600).default(900),
  BILLING_ENABLED: flag(true),
  TRIAL_DAYS: count(0, 0),
  USAGE_FLUSH_INTERVAL_MS: count(60_000),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export type Config = z.infer<typeof settings>;

/** Parses the environment; lists every problem at once and never prints a value. Empty counts as absent. */
export const parseConfig = (env: Record<string, string | undefined>): Config => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = settings.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => {
    const name = path.join('.');
    return `  - ${name} ${given[name] === undefined ? 'is missing' : message}`;
  });
  throw new Error(`The API cannot start with these settings:\n${problems.join('\n')}`);
};

/** The one place of this program that reads its environment. Exits 78 (EX_CONFIG) when it can't go on. */
export const readConfig = (): Config => {
  try {
    return parseConfig(process.env);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nSee .env.example for what each is for.\n`);
    process.exit(78);
  }
};
