import proxyAddr from 'proxy-addr';
import { z } from 'zod';
import {
  count,
  databaseSettings,
  flag,
  keyring,
  logLevel,
  origin,
  parseSettings,
  port,
  refuseLiveStandIn,
  settingsOrExit,
  stripeSettings,
  trialDays,
  temporalSettings,
  url,
  whole,
} from './platform/settings.ts';

const proxies = z
  .string()
  .default('loopback')
  .transform((text, context) => {
    const list = text.split(',').map((proxy) => proxy.trim());
    try {
      proxyAddr.compile(list);
      return list;
    } catch {
      context.addIssue({
        code: 'custom',
        message: 'must be a comma-separated list of IP addresses, subnets or names such as loopback',
      });
      return z.NEVER;
    }
  });

const webhookSecrets = z
  .string()
  .default('')
  .transform((text) => text.split(',').map((secret) => secret.trim()))
  .transform((list) => list.filter(Boolean))
  .refine((list) => list.every((secret) => /^whsec_\w+$/.test(secret)), {
    error: 'must be a comma-separated list of webhook secrets (whsec_…)',
  });

/** Every setting of the API. The comments in `.env.example` say what each is for. */
export const settings = z
  .object({
    API_HOST: z.string().default('127.0.0.1'),
    API_PORT: port(3000),
    HTTP_KEEP_ALIVE_MS: whole(65_000, 1_000, 3_600_000),
    PUBLIC_URL: origin('http://localhost:3000'),
    DASHBOARD_URL: origin('http://localhost:3001'),
    ...databaseSettings,
    REDIS_URL: url('redis', /^rediss?$/).optional(),
    REDIS_RATE_LIMIT_ENABLED: flag(true),
    REDIS_TIMEOUT_MS: whole(100, 10, 5_000),
    RATE_LIMIT_WINDOW_MS: count(60_000),
    RATE_LIMIT_MAX_REQUESTS: count(100),
    SIGN_UP_MAX_PER_MINUTE: count(60),
    TRUSTED_PROXIES: proxies,
    AUTH_SECRET: z.string().min(32, 'must have at least 32 characters'),
    KEY_ENCRYPTION_KEYS: keyring,
    CLIENT_SECRET_PEPPERS: keyring,
    TOKEN_TTL_SECONDS: whole(900, 60, 3_600),
    BILLING_ENABLED: flag(true),
    TRIAL_DAYS: trialDays,
    ...temporalSettings,
    ...stripeSettings,
    STRIPE_WEBHOOK_SECRETS: webhookSecrets,
    USAGE_FLUSH_INTERVAL_MS: count(60_000),
    METRICS_HOST: z.string().default('127.0.0.1'),
    METRICS_PORT: port(9464),
    METRICS_MAX_TENANTS: whole(100, 0, 10_000),
    LOG_LEVEL: logLevel,
  })
  .superRefine(refuseLiveStandIn);

export type Config = z.infer<typeof settings>;

export const parseConfig = (env: Record<string, string | undefined>): Config =>
  parseSettings('API', settings, env);

/** The only code of this program that reads its environment. Exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (): Config => settingsOrExit(() => parseConfig(process.env));
