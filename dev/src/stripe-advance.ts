import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig } from './config.ts';
import type { Config } from './config.ts';

const USAGE = `Usage: npm run stripe:advance -- --days <n> | --hours <n>

Moves the time of the Stripe stand-in that npm start has started, for every customer without a test clock of its own.
Prints what happened until then: renewals, payments, cancellations.
`;
const ADVANCE_MS = 120_000;

interface Advanced {
  now: string;
  events: { type: string; object: string | null; customer: string | null }[];
}

/** `days=25`. Returns nothing if the flags are wrong. */
const parseStep = (args: string[]): string | undefined => {
  const options = { days: { type: 'string' }, hours: { type: 'string' } } as const;
  try {
    const [[name, value] = [], ...more] = Object.entries(parseArgs({ args, options }).values);
    return more.length === 0 && /^[1-9]\d{0,4}$/.test(value ?? '') ? `${name}=${value}` : undefined;
  } catch {
    return undefined;
  }
};

/** The stand-in's URL: by STRIPE_PORT if it is set, otherwise that of the last start in this data folder. */
const urlOf = ({ dataDir, stripePort, env }: Config): string => {
  const initial = `http://localhost:${stripePort}`;
  if (env.STRIPE_PORT) return initial;
  try {
    const { stripeUrl } = JSON.parse(readFileSync(join(dataDir, 'demo.json'), 'utf8')) as {
      stripeUrl?: string;
    };
    return stripeUrl ?? initial;
  } catch {
    return initial;
  }
};

const advance = async (url: string, step: string): Promise<Advanced> => {
  const signal = AbortSignal.timeout(ADVANCE_MS);
  const response = await fetch(`${url}/_dev/advance?${step}`, { method: 'POST', signal }).catch(
    () => undefined,
  );
  const body = (await response?.json().catch(() => undefined)) as Advanced | { error: string } | undefined;
  if (body && 'now' in body) return body;
  if (body && 'error' in body) throw new Error(body.error);
  throw new Error(
    `The Stripe stand-in does not respond at ${url}. Run npm start first. If it uses another port, set STRIPE_PORT.`,
  );
};

const report = (url: string, { now, events }: Advanced): string => {
  const width = Math.max(0, ...events.map(({ type }) => type.length));
  const lines = events.map(({ type, object, customer }) =>
    `  ${type.padEnd(width)}  ${object ?? ''}  ${customer ?? ''}`.trimEnd(),
  );
  const time = now.slice(0, 16).replace('T', ' ');
  return [
    `Stripe's time is now ${time} UTC. What happened until then:`,
    ...lines,
    '',
    `All of it: ${url}`,
    '',
  ].join('\n');
};

const run = async (step: string): Promise<void> => {
  const config = readConfig();
  if (config.stripeSecretKey) {
    throw new Error(
      'STRIPE_SECRET_KEY is set, so Stripe itself is used. Advance a test clock in its dashboard instead.',
    );
  }
  const url = urlOf(config);
  process.stdout.write(report(url, await advance(url, step)));
};

const step = parseStep(process.argv.slice(2));
if (!step) {
  process.stderr.write(USAGE);
  process.exit(2);
}
await run(step).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
