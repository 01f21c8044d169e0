import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findK6 } from '../../dev/src/k6-program.ts';
import { startSelling } from '../bench/billing/stack.ts';
import { withServers, type Servers } from '../bench/servers.ts';
import { createCast } from './cast.ts';
import { JOURNEYS, type Journey } from './plan.ts';
import { findMissed, report, type Result, type Summary } from './verdict.ts';

const USAGE = `Usage: npm run load-test -- [--short] [--errors-only] [--slow-down <ms>]

  --short        4 seconds for each journey instead of 30: a minute in all
  --errors-only  judge errors and the edge of the quota, not the times
  --slow-down    hold each request back in the API, to see that the load test fails
`;

interface Flags {
  short: boolean;
  isTimeJudged: boolean;
  slowDownMs: string | undefined;
}

const say = (text: string): void => void process.stderr.write(`  … ${text}\n`);

const readFlags = (args: string[]): Flags => {
  const { values } = parseArgs({
    args,
    options: {
      short: { type: 'boolean', default: false },
      'errors-only': { type: 'boolean', default: false },
      'slow-down': { type: 'string' },
    },
  });
  const slowDownMs = values['slow-down'];
  if (slowDownMs !== undefined && !/^\d{1,5}$/.test(slowDownMs))
    throw new Error(`--slow-down ${slowDownMs}: give milliseconds, for example 1500.`);
  return { short: values.short, isTimeJudged: !values['errors-only'], slowDownMs };
};

/** The quota of a day must not start anew in the middle of its journey. */
const avoidMidnight = async (): Promise<void> => {
  const leftMs = 86_400_000 - (Date.now() % 86_400_000);
  if (leftMs > 120_000) return;
  say('waiting until the UTC day ends, because its quota is tested');
  await wait(leftMs + 1_000);
};

const runJourney = async (
  { children, folder }: Servers,
  k6: string,
  { journey, seconds }: { journey: Journey; seconds: number },
): Promise<Result> => {
  const { name, label, users, requests } = journey;
  say(`${label}: ${users} virtual users, ${requests ? `${requests} requests` : `${seconds} s`}`);
  if (requests) await avoidMidnight();
  const summary = join(folder, `${name}.json`);
  await children.run({
    name: `k6-${name}`,
    argv: [k6, 'run', '--quiet', '--no-usage-report', '--log-format', 'raw', 'loadtests/k6/journeys.ts'],
    env: { JOURNEY: name, CAST: join(folder, 'cast.json'), SECONDS: String(seconds), SUMMARY: summary },
    timeoutMs: 300_000,
  });
  const [firstError] = readFileSync(join(folder, 'logs', `k6-${name}.log`), 'utf8').split('\n');
  if (firstError) say(`the first error: ${firstError}`);
  return { journey, summary: JSON.parse(readFileSync(summary, 'utf8')) as Summary };
};

const run = async (servers: Servers, { short, slowDownMs }: Flags): Promise<Result[]> => {
  const { config, children, folder } = servers;
  const k6 = await findK6(config, children, say);
  say('starting the API, the worker, Temporal and the stand-in for Stripe');
  const slowDown = { NODE_OPTIONS: `--import ${import.meta.resolve('./slow-down.mjs')}?ms=${slowDownMs}` };
  const { apiUrl } = await startSelling(servers, { apiEnv: slowDownMs ? slowDown : {} });
  say('making a Free tenant, ten paying ones, and their agents');
  writeFileSync(join(folder, 'cast.json'), JSON.stringify(await createCast(apiUrl)), { mode: 0o600 });
  const results: Result[] = [];
  for (const journey of JOURNEYS)
    results.push(await runJourney(servers, k6, { journey, seconds: short ? 4 : 30 }));
  return results;
};

const main = async (args: string[]): Promise<number> => {
  const flags = readFlags(args);
  const results = await withServers((servers) => run(servers, flags), say);
  const [{ model } = { model: 'unknown processor' }] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  process.stdout.write(
    `\n  ${cpus().length} × ${model}, ${memory} GiB, Node ${process.versions.node}; k6 and all servers share them\n\n` +
      report(results, flags.isTimeJudged),
  );
  return results.every((result) => findMissed(result, flags.isTimeJudged).length === 0) ? 0 : 1;
};

const code = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  return 2;
});
process.exit(code);
