import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

/** Second net only: bodies, headers and secrets are not logged in the first place. */
const redact = {
  paths: ['*.password', '*.clientSecret', '*.client_secret', '*.access_token', '*.authorization', '*.cookie'],
  censor: '[redacted]',
};

export const createLogger = (level: string): Logger => pino({ level, redact, base: null });
