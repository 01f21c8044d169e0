import { createPeoplePool } from '../platform/database.ts';
import { createLogger } from '../platform/logger.ts';
import { turnOffByEmail } from '../services/two-factor/manage.ts';
import { readConfig } from './config.ts';

const config = readConfig();
const { email } = config;
const peoplePool = createPeoplePool(config, createLogger('warn'));

try {
  const found = await turnOffByEmail({ peoplePool }, email);
  if (!found) throw new Error(`no user with the address ${email} has two-factor sign-in. Check the address.`);
  const { userId, sessions } = found;
  process.stdout.write(
    `${new Date().toISOString()} Two-factor sign-in of ${email} (${userId}) is off. Sessions ended: ${sessions}.\n` +
      'A mail says so. A sign-in now needs only the password.\n',
  );
} catch (error) {
  process.stderr.write(`Nothing was changed: ${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  await peoplePool.end();
}
