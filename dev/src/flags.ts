import { parseArgs } from 'node:util';

export interface Flags {
  reset: boolean;
  watch: boolean;
  help: boolean;
}

export const USAGE = `Usage: npm start [-- --reset]

Brings up SentryAgent on this machine: Postgres, Redis, Temporal, a mail inbox, a stand-in for Stripe, API, worker
and dashboard, with a demo tenant. DATABASE_URL, REDIS_URL, TEMPORAL_ADDRESS, SMTP_URL and STRIPE_SECRET_KEY name
your own instead.

  --reset   first deletes all data of earlier starts (.data/)
  --watch   restarts API and worker and reloads the dashboard when their source changes (npm run dev); a changed
            workflow is bundled by the next start
  --help    shows this

Settings are environment variables; .env.example has all of them. Ctrl-C ends everything (exit code 0).
`;

/** Reads the flags; none where one is unknown. */
export const parseFlags = (args: string[]): Flags | undefined => {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ args, options: { reset: flag, watch: flag, help: flag } }).values;
  } catch {
    return undefined;
  }
};
