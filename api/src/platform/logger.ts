import { pino, type Logger } from 'pino';

export type { Logger };

/** Only a safeguard: our code does not log bodies, headers or secrets. */
const redact = {
  paths: ['*.password', '*.clientSecret', '*.client_secret', '*.access_token', '*.authorization', '*.cookie'],
  censor: '[redacted]',
};

/**
 * Writes lines asynchronously, in batches of 4 KiB or 50 ms, because each write wakes a thread. A fatal line and the exit
 * of the process wait for all lines. If the process is killed, the last lines can be lost.
 */
export const createLogger = (level: string): Logger =>
  pino({ level, redact, base: null }, pino.destination({ sync: false, minLength: 4_096, periodicFlush: 50 }));
