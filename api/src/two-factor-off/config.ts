import { parseArgs } from 'node:util';
import { z } from 'zod';
import { email } from '../http/email.ts';
import { databaseSettings, parseSettings, settingsOrExit } from '../platform/settings.ts';

const settings = z.object(databaseSettings);

const USAGE = 'Usage: npm run two-factor:off -- <email address>\n';

/** The only code of this program that reads its environment. Exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (): z.infer<typeof settings> & { email: string } =>
  settingsOrExit(() => {
    const { positionals } = parseArgs({ args: process.argv.slice(2), allowPositionals: true });
    const address = email.safeParse(positionals[0]);
    if (positionals.length !== 1 || !address.success) throw new Error('Name the email address of one user.');
    return { ...parseSettings('two-factor sign-in', settings, process.env), email: address.data };
  }, USAGE);
