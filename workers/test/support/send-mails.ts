import { createDatabase } from '@sentryagent/api/platform/database';
import { createLogger } from '@sentryagent/api/platform/logger';
import type { ActivityDeps } from '../../src/activities.ts';
import { readConfig } from '../../src/config.ts';
import { startMail } from '../../src/mail.ts';

// The worker's sender of mails as a process of its own, which a test can kill.
const config = readConfig();
startMail({ db: createDatabase(config), logger: createLogger(config.LOG_LEVEL) } as ActivityDeps, config);
// Its timers keep no process alive.
setInterval(() => {}, 60_000);
