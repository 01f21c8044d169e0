import { parseArgs } from 'node:util';

export interface Flags {
  reset: boolean;
  watch: boolean;
  help: boolean;
}

export const USAGE = `Usage: npm start [-- --reset]

Brings up SentryAgent on this machine: Postgres, Redis, API and dashboard, with a demo tenant.

  --reset   first deletes all data of earlier starts (.data/)
  --watch   restarts the API and reloads the dashboard when their source changes (npm run dev)
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
