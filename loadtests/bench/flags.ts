import { parseArgs } from 'node:util';

export interface Flags {
  bench: string;
  /** Of one candidate in one round, without its warm-up. */
  seconds: number;
  rounds: number;
  connections: number;
  check: boolean;
  profile: boolean;
}

const number = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${text} is not a number above 0`);
  return value;
};

/** Throws a sentence where the arguments are not understood. */
export const parseFlags = (args: string[]): Flags => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '5' },
      // Enough to keep both cores of a small machine busy while groups of them wait for the disk.
      connections: { type: 'string', default: '128' },
      check: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  });
  const [bench, ...others] = positionals;
  if (bench === undefined || others.length > 0) throw new Error('Name one bench.');
  return {
    bench,
    seconds: number(values.seconds),
    rounds: Math.ceil(number(values.rounds)),
    connections: Math.ceil(number(values.connections)),
    check: values.check,
    profile: values.profile,
  };
};
