import { parseArgs } from 'node:util';

export interface Flags {
  reset: boolean;
  watch: boolean;
  help: boolean;
}

export const USAGE = `Usage: npm start [-- --reset] [-- --watch]

Starts SentryAgent on this machine: Postgres, Redis, Temporal, a mail inbox, a stand-in for Stripe, the API, the
worker and the dashboard, with a demo tenant. To use your own server instead, set DATABASE_URL, REDIS_URL,
TEMPORAL_ADDRESS, SMTP_URL or STRIPE_SECRET_KEY.

  --reset   deletes the data of earlier starts (.data/) first, then starts
  --watch   restarts the API and the worker and reloads the dashboard when their source changes (npm run dev); if you
            change a workflow, start again
  --help    prints this text

Settings are environment variables. .env.example lists them. Ctrl-C stops everything (exit code 0).
`;

/** Parses the flags. Returns nothing if one is unknown. */
export const parseFlags = (args: string[]): Flags | undefined => {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ args, options: { reset: flag, watch: flag, help: flag } }).values;
  } catch {
    return undefined;
  }
};
