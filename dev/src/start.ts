import { createChildren } from './children.ts';
import { readConfig } from './config.ts';
import type { Config } from './config.ts';
import { USAGE, parseFlags } from './flags.ts';
import type { Flags } from './flags.ts';
import type { Context, Part } from './part.ts';
import { api } from './parts/api.ts';
import { dashboard } from './parts/dashboard.ts';
import { demo } from './parts/demo.ts';
import { mail } from './parts/mail.ts';
import { migrate } from './parts/migrate.ts';
import { postgres } from './parts/postgres.ts';
import { redis } from './parts/redis.ts';
import { stripeSetup } from './parts/stripe-setup.ts';
import { stripe } from './parts/stripe.ts';
import { temporal } from './parts/temporal.ts';
import { worker } from './parts/worker.ts';
import { release, runningLauncher, takeOver } from './pid-file.ts';
import { takenPorts } from './ports.ts';
import { createProgress } from './progress.ts';
import type { Progress } from './progress.ts';
import { emptyDataDir } from './reset.ts';
import { readSecrets } from './secrets.ts';
import { stopRequest } from './stop-request.ts';
import { placeOf, table } from './table.ts';

/** In start order: a part needs only parts before it. */
const PARTS: Part[] = [
  ...[postgres, redis, temporal, mail, stripe],
  ...[migrate, stripeSetup, api, worker, dashboard, demo],
];

/** Takes the data folder for this process. Throws if it is in use, or if a port is. */
const prepare = async (config: Config, flags: Flags): Promise<void> => {
  const { dataDir, portsToTake } = config;
  const other = runningLauncher(dataDir);
  if (other) {
    throw new Error(
      `SentryAgent is already running here (process ${other}). To stop it, press Ctrl-C in its terminal, or run: kill ${other}`,
    );
  }
  await takeOver(dataDir);
  const taken = await takenPorts(portsToTake);
  try {
    if (taken.length > 0) throw new Error(taken.join('\n'));
    if (flags.reset) emptyDataDir(dataDir);
  } catch (error) {
    release(dataDir);
    throw error;
  }
};

/** Starts the parts one after another. Returns the table to print. */
const startParts = async (context: Context, progress: Progress): Promise<string> => {
  const rows: [string, string][] = [];
  for (const part of PARTS) {
    progress.begin(part.name);
    const started = await part.start(context);
    Object.assign(context.found, started.found);
    rows.push(...(started.rows ?? []));
    progress.done(started.note);
  }
  return table(rows, context.found);
};

/** Starts all parts and stops them on a signal or when one exits. Returns the exit code. */
const run = async (config: Config, flags: Flags): Promise<number> => {
  const stopped = stopRequest();
  await prepare(config, flags);
  const { dataDir } = config;
  const children = createChildren(config);
  const progress = createProgress(process.stdout);
  const up = async (): Promise<string> => {
    const context = {
      config,
      secrets: readSecrets(dataDir),
      children,
      watch: flags.watch,
      found: {},
      progress,
    };
    process.stdout.write(await startParts(context, progress));
    return new Promise<never>(() => {});
  };
  const failure = await Promise.race([stopped, children.died, up()]).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  progress.fail(failure ? 'failed to start' : 'stopped');
  process.stderr.write(failure ? `\n${failure}\n` : '\nStopping …\n');
  await children.stopAll();
  release(dataDir);
  process.stdout.write(`Stopped. Your data is in ${placeOf(config)}\n`);
  return failure ? 1 : 0;
};

const flags = parseFlags(process.argv.slice(2));
if (!flags || flags.help) {
  (flags ? process.stdout : process.stderr).write(USAGE);
  process.exit(flags ? 0 : 2);
}
const code = await run(readConfig(), flags).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
process.exit(code);
