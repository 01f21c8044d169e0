import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

/** Second net only: bodies, headers and secrets are not logged in the first place. */
const redact = {
  paths: ['*.password', '*.clientSecret', '*.client_secret', '*.access_token', '*.authorization', '*.cookie'],
  censor: '[redacted]',
};

/**
 * Lines go out while the next are written, those that gather meanwhile in one write. A fatal line and the end of the
 * process wait for all of them; a kill can cost the last few.
 */
export const createLogger = (level: string): Logger =>
  pino({ level, redact, base: null }, pino.destination({ sync: false }));
