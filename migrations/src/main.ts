import { readConfig } from './config.ts';
import { migrateDown, migrateUp } from './migrate.ts';

const config = readConfig();
const down = process.argv[2] === 'down';
const versions = down ? await migrateDown(config, true) : await migrateUp(config);
const verb = down ? 'Reverted' : 'Applied';
process.stdout.write(versions.length ? `${verb}: ${versions.join(', ')}\n` : 'The database is up to date.\n');
