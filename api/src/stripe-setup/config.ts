import { parseArgs } from 'node:util';
import { z } from 'zod';
import { settings } from '../config.ts';
import { parseSettings, refuseLiveStandIn, settingsOrExit } from '../platform/settings.ts';

const { PUBLIC_URL, DASHBOARD_URL, STRIPE_SECRET_KEY, STRIPE_API_URL, STRIPE_WEBHOOK_SECRETS } =
  settings.shape;

const setupSettings = z
  .object({
    PUBLIC_URL,
    DASHBOARD_URL,
    STRIPE_SECRET_KEY: STRIPE_SECRET_KEY.unwrap(),
    STRIPE_API_URL,
    STRIPE_WEBHOOK_SECRETS,
  })
  .superRefine(refuseLiveStandIn);

export type SetupConfig = z.infer<typeof setupSettings> & {
  /** The NAME=value file for a new secret. Default: it is printed. */
  secretsFile?: string | undefined;
};

const USAGE = 'Usage: npm run stripe:setup [-- --secrets-file <path>]\n';

/** The only code of this program that reads its environment. Exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (): SetupConfig =>
  settingsOrExit(() => {
    const { values } = parseArgs({ options: { 'secrets-file': { type: 'string' } } });
    return {
      ...parseSettings('Stripe setup', setupSettings, process.env),
      secretsFile: values['secrets-file'],
    };
  }, USAGE);
