import { runCommand, say } from '../platform/command.ts';
import { createPeoplePool } from '../platform/database.ts';
import { createLogger } from '../platform/logger.ts';
import { turnOffByEmail } from '../services/two-factor/manage.ts';
import { readConfig } from './config.ts';

const config = readConfig();
const { email } = config;
const peoplePool = createPeoplePool(config, createLogger('warn'));

const turnOff = async (): Promise<void> => {
  const found = await turnOffByEmail({ peoplePool }, email);
  if (!found) throw new Error(`no user with the address ${email} has two-factor sign-in. Check the address.`);
  const { userId, sessions } = found;
  const at = new Date().toISOString();
  say(`${at} Two-factor sign-in of ${email} (${userId}) is off. Sessions ended: ${sessions}.`);
  say('The user gets an email about it. A sign-in now needs only the password.');
};

await runCommand({ run: turnOff, failure: 'Nothing was changed', close: () => peoplePool.end() });
