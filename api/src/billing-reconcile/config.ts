import { parseArgs } from 'node:util';
import { z } from 'zod';
import {
  databaseSettings,
  parseSettings,
  refuseLiveStandIn,
  settingsOrExit,
  stripeSettings,
  temporalSettings,
} from '../platform/settings.ts';

const reconcileSettings = z
  .object({
    ...databaseSettings,
    ...temporalSettings,
    TEMPORAL_ADDRESS: temporalSettings.TEMPORAL_ADDRESS.default('localhost:7233'),
    ...stripeSettings,
    STRIPE_SECRET_KEY: stripeSettings.STRIPE_SECRET_KEY.unwrap(),
  })
  .superRefine(refuseLiveStandIn);

export type ReconcileConfig = z.infer<typeof reconcileSettings> & {
  /** Only print what differs. */
  dryRun: boolean;
};

const USAGE = 'Usage: npm run billing:reconcile [-- --dry-run]\n';

/** The only code of this program that reads its environment. Exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (): ReconcileConfig =>
  settingsOrExit(() => {
    const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } });
    const config = parseSettings('reconciliation with Stripe', reconcileSettings, process.env);
    return { ...config, dryRun: values['dry-run'] };
  }, USAGE);
