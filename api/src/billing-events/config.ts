import { parseArgs } from 'node:util';
import { z } from 'zod';
import { databaseSettings, parseSettings, settingsOrExit } from '../platform/settings.ts';

const eventsSettings = z.object(databaseSettings);

export type EventsConfig = z.infer<typeof eventsSettings> & { json: boolean };

const USAGE = 'Usage: npm run billing:events [-- --json]\n';

/** The only code of this program that reads its environment. Exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (): EventsConfig =>
  settingsOrExit(() => {
    const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
    return { ...parseSettings('list of Stripe events', eventsSettings, process.env), ...values };
  }, USAGE);
