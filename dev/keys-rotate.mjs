import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

// Without both settings, the platform that `npm start` has started is used. One of them is never mixed with its own.
const { APP_DATABASE_URL, KEY_ENCRYPTION_KEYS, SENTRYAGENT_DATA_DIR } = process.env;
const file = resolve(import.meta.dirname, '..', SENTRYAGENT_DATA_DIR || '.data', 'operator.env');
if (!APP_DATABASE_URL && !KEY_ENCRYPTION_KEYS && existsSync(file)) {
  console.error(`Using the settings in ${file}`);
  process.loadEnvFile(file);
}

await import('../api/src/keys-rotate/main.ts');
