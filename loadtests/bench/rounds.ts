import type { Asked, Budget, Candidate, Limit, Prepared } from './bench.ts';
import type { Measured } from './load.ts';

export interface Row extends Measured {
  name: string;
}

export interface Ratio extends Budget {
  ratio: number;
  met: boolean;
}

export interface Slowest extends Limit {
  p99: number;
  met: boolean;
}

export interface Results {
  rows: Row[];
  ratios: Ratio[];
  slowest: Slowest[];
}

const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

const summarise = (name: string, measured: Measured[]): Row => ({
  name,
  perSecond: median(measured.map(({ perSecond }) => perSecond)),
  p50: median(measured.map(({ p50 }) => p50)),
  p99: median(measured.map(({ p99 }) => p99)),
  processorMicros: median(measured.map(({ processorMicros }) => processorMicros)),
});

/** The median of the ratios of all rounds, because a temporary slowdown affects both sides of a round. */
const compare = (ours: Measured[], theirs: Measured[], budget: Budget): Ratio => {
  const ratio = median(ours.map(({ perSecond }, round) => perSecond / theirs[round]!.perSecond));
  return { ...budget, ratio, met: budget.atLeast === undefined || ratio >= budget.atLeast };
};

/**
 * Measures each candidate in turn, round after round. Each gets a warm-up of half its time, because an idle server is
 * slower for two seconds.
 */
export const runRounds = async (
  { candidates, budgets, limits = [] }: Prepared,
  { rounds, seconds, connections }: Asked & { rounds: number },
  say: (text: string) => void,
): Promise<Results> => {
  const measured = new Map<string, Measured[]>(candidates.map(({ name }) => [name, []]));
  const once = async (candidate: Candidate): Promise<void> => {
    await candidate.measure({ connections, ms: seconds * 500 });
    measured.get(candidate.name)!.push(await candidate.measure({ connections, ms: seconds * 1_000 }));
  };
  for (let round = 1; round <= rounds; round++) {
    for (const candidate of candidates) {
      say(`round ${round} of ${rounds}: ${candidate.name}`);
      await once(candidate);
    }
  }
  const rows = candidates.map(({ name }) => summarise(name, measured.get(name)!));
  return {
    rows,
    ratios: budgets.map((budget) => compare(measured.get(budget.of)!, measured.get(budget.against)!, budget)),
    slowest: limits.map((limit) => {
      const { p99 } = rows.find(({ name }) => name === limit.of)!;
      return { ...limit, p99, met: p99 <= limit.p99AtMost };
    }),
  };
};
