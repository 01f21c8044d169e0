import { cpus } from 'node:os';
import type { Asked, Bench } from './bench.ts';
import { billing } from './billing/bench.ts';
import { parseFlags, type Flags } from './flags.ts';
import { metering } from './metering/bench.ts';
import { pages } from './pages/bench.ts';
import { describeProfile, prepareProfile } from './profile.ts';
import { report } from './report.ts';
import { runRounds, type Results } from './rounds.ts';
import { profileFolder, withServers } from './servers.ts';
import { token } from './token/bench.ts';

const BENCHES: Record<string, Bench> = { token, billing, metering, pages };

const USAGE = `Usage: npm run bench -- <bench> [--seconds 5] [--rounds 5] [--connections <n>] [--check] [--profile]

${Object.entries(BENCHES)
  .map(([name, { about }]) => `  ${name}  ${about}`)
  .join('\n')}

  --check    exit code 1 when a budget is missed
  --profile  ours alone, under node --cpu-prof; prints where its time goes
  --against <folder>  pages: also those of another checkout, in which npm ci and npm run build -w dashboard have run
`;

const say = (text: string): void => void process.stderr.write(`  … ${text}\n`);

/** Measures. Returns the results and, with `--profile`, the folder of the profile. */
const run = (
  bench: Bench,
  asked: Asked & Pick<Flags, 'rounds' | 'profile'>,
): Promise<{ results: Results; folder: string | undefined }> =>
  withServers(async (servers) => {
    const folder = asked.profile ? profileFolder(servers) : undefined;
    if (folder) prepareProfile(folder);
    const prepared = await bench.prepare(servers, { ...asked, profileDir: folder });
    return { results: await runRounds(prepared, asked, say), folder };
  }, say);

const main = async (args: string[]): Promise<number> => {
  const flags = parseFlags(args);
  const bench = BENCHES[flags.bench];
  if (!bench) throw new Error(`There is no bench "${flags.bench}".`);
  const { rounds, seconds, connections = bench.connections } = flags;
  const { results, folder } = await run(bench, { ...flags, connections });
  process.stdout.write(
    `\n  ${bench.about}\n  ${cpus().length} cores, Node ${process.versions.node}, ${connections} connections, ` +
      `median of ${rounds} rounds of ${seconds} s\n${report(bench.unit, results)}`,
  );
  if (folder) process.stdout.write(describeProfile(folder));
  const isMissed = [...results.ratios, ...results.slowest].some(({ met }) => !met);
  return flags.check && isMissed ? 1 : 0;
};

const code = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  return 2;
});
process.exit(code);
