import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

// Runs a command for operators: a folder of `api/src`. Without both settings, uses the platform that `npm start` has
// started. Never mixes one of them with the settings of that platform.
const { APP_DATABASE_URL, KEY_ENCRYPTION_KEYS, SENTRYAGENT_DATA_DIR } = process.env;
const file = resolve(import.meta.dirname, '..', SENTRYAGENT_DATA_DIR || '.data', 'operator.env');
if (!APP_DATABASE_URL && !KEY_ENCRYPTION_KEYS && existsSync(file)) {
  console.error(`Using the settings in ${file}`);
  process.loadEnvFile(file);
}

const [command] = process.argv.splice(2, 1);
await import(`../api/src/${command}/main.ts`);
