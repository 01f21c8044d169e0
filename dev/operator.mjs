import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** What each command for operators, a folder of `api/src`, connects with. */
const SETTINGS = {
  'keys-rotate': ['APP_DATABASE_URL', 'KEY_ENCRYPTION_KEYS'],
  'two-factor-off': ['APP_DATABASE_URL'],
  'billing-events': ['APP_DATABASE_URL'],
  'billing-reconcile': ['APP_DATABASE_URL', 'STRIPE_SECRET_KEY', 'TEMPORAL_ADDRESS'],
};

// Runs a command for operators: a folder of `api/src`. If none of its settings is set, uses the platform that `npm start`
// has started. If one is set, uses nothing of that platform.
const [command] = process.argv.splice(2, 1);
const file = resolve(import.meta.dirname, '..', process.env.SENTRYAGENT_DATA_DIR || '.data', 'operator.env');
if (SETTINGS[command].every((name) => !process.env[name]) && existsSync(file)) {
  console.error(`Using the settings in ${file}`);
  process.loadEnvFile(file);
}

await import(`../api/src/${command}/main.ts`);
