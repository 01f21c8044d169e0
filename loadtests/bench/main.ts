import { cpus } from 'node:os';
import type { Bench } from './bench.ts';
import { parseFlags, type Flags } from './flags.ts';
import { describeProfile, prepareProfile } from './profile.ts';
import { report } from './report.ts';
import { runRounds, type Results } from './rounds.ts';
import { profileFolder, withServers } from './servers.ts';
import { token } from './token/bench.ts';

const BENCHES: Record<string, Bench> = { token };

const USAGE = `Usage: npm run bench -- <bench> [--seconds 5] [--rounds 5] [--connections 128] [--check] [--profile]

${Object.entries(BENCHES)
  .map(([name, { about }]) => `  ${name}  ${about}`)
  .join('\n')}

  --check    exit code 1 when a budget is missed
  --profile  ours alone, under node --cpu-prof; prints where its time goes
`;

const say = (text: string): void => void process.stderr.write(`  … ${text}\n`);

/** Measures. Returns the results and, with `--profile`, the folder of the profile. */
const run = (bench: Bench, flags: Flags): Promise<{ results: Results; folder: string | undefined }> =>
  withServers(async (servers) => {
    const folder = flags.profile ? profileFolder(servers) : undefined;
    if (folder) prepareProfile(folder);
    return { results: await runRounds(await bench.prepare(servers, folder), flags, say), folder };
  }, say);

const main = async (args: string[]): Promise<number> => {
  const flags = parseFlags(args);
  const bench = BENCHES[flags.bench];
  if (!bench) throw new Error(`There is no bench "${flags.bench}".`);
  const { results, folder } = await run(bench, flags);
  const { rounds, seconds, connections } = flags;
  process.stdout.write(
    `\n  ${bench.about}\n  ${cpus().length} cores, Node ${process.versions.node}, ${connections} connections, ` +
      `median of ${rounds} rounds of ${seconds} s\n${report(bench.unit, results)}`,
  );
  if (folder) process.stdout.write(describeProfile(folder));
  return flags.check && results.ratios.some(({ met }) => !met) ? 1 : 0;
};

const code = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  return 2;
});
process.exit(code);
