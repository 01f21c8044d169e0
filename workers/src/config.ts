import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import {
  databaseSettings,
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
} from '@sentryagent/api/platform/settings';

/** One without the other would start workers that get no tasks. */
const refuseHalfAVersion = (
  { TEMPORAL_DEPLOYMENT, TEMPORAL_BUILD_ID }: { TEMPORAL_DEPLOYMENT?: string; TEMPORAL_BUILD_ID?: string },
  context: { addIssue(issue: { code: 'custom'; path: string[]; message: string }): void },
): void => {
  if (Boolean(TEMPORAL_DEPLOYMENT) === Boolean(TEMPORAL_BUILD_ID)) return;
  const names = ['TEMPORAL_DEPLOYMENT', 'TEMPORAL_BUILD_ID'];
  const [set, missing] = TEMPORAL_DEPLOYMENT ? names : names.toReversed();
  context.addIssue({ code: 'custom', path: [set!], message: `needs ${missing}: set both or none` });
};

/** Every setting of the worker. The comments in `.env.example` say what each is for. */
export const settings = z
  .object({
    DASHBOARD_URL: origin('http://localhost:3001'),
    ...databaseSettings,
    ...temporalSettings,
    TEMPORAL_ADDRESS: temporalSettings.TEMPORAL_ADDRESS.default('localhost:7233'),
    ...stripeSettings,
    STRIPE_SECRET_KEY: stripeSettings.STRIPE_SECRET_KEY.unwrap(),
    TEMPORAL_DEPLOYMENT: z
      .string()
      .regex(/^[^.:\s]{1,100}$/, 'must be at most 100 characters, without spaces, dots and colons')
      .optional(),
    TEMPORAL_BUILD_ID: z
      .string()
      .regex(/^[^\s]{1,100}$/, 'must be at most 100 characters, without spaces')
      .optional(),
    KEY_ENCRYPTION_KEYS: keyring,
    REDIS_URL: url('redis', /^rediss?$/).optional(),
    TRIAL_DAYS: trialDays,
    WORKFLOW_BUNDLE: z
      .string()
      .default(fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url))),
    SMTP_URL: url('smtp', /^smtps?$/).optional(),
    MAIL_FROM: z.string().min(3).default('SentryAgent <no-reply@localhost>'),
    METRICS_HOST: z.string().default('127.0.0.1'),
    METRICS_PORT: port(9465),
    LOG_LEVEL: logLevel,
  })
  .superRefine(refuseLiveStandIn)
  .superRefine(refuseHalfAVersion);

export type Config = z.infer<typeof settings>;

export const parseConfig = (env: Record<string, string | undefined>): Config =>
  parseSettings('worker', settings, env);

/** The only code of this program that reads its environment. Exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (): Config => settingsOrExit(() => parseConfig(process.env));
