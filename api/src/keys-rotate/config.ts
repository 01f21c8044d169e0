import { parseArgs } from 'node:util';
import { z } from 'zod';
import { databaseSettings, keyring, parseSettings, settingsOrExit } from '../platform/settings.ts';

const rotateSettings = z.object({ ...databaseSettings, KEY_ENCRYPTION_KEYS: keyring });

export type RotateConfig = z.infer<typeof rotateSettings> & {
  /** Only list the keys. */
  list: boolean;
  /** The id of a key to remove immediately. */
  emergency?: string | undefined;
};

const USAGE = 'Usage: npm run keys:rotate [-- --list | --emergency <kid>]\n';

/** One key id in 64 begins with `-` and would be parsed as an option. So it is joined to `--emergency` with `=`. */
const joinId = (args: readonly string[]): string[] => {
  const at = args.indexOf('--emergency');
  const kid = args[at + 1];
  if (at < 0 || kid === undefined || !/^-[\w-]{42}$/.test(kid)) return [...args];
  return args.toSpliced(at, 2, `--emergency=${kid}`);
};

/** The only code of this program that reads its environment. Exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (): RotateConfig =>
  settingsOrExit(() => {
    const { values } = parseArgs({
      args: joinId(process.argv.slice(2)),
      options: { list: { type: 'boolean', default: false }, emergency: { type: 'string' } },
    });
    if (values.list && values.emergency !== undefined)
      throw new Error('Use --list or --emergency, not both.');
    const config = parseSettings('key rotation', rotateSettings, process.env);
    return { ...config, ...values };
  }, USAGE);
