import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface Flags {
  bench: string;
  /** The time per candidate and round, without the warm-up. */
  seconds: number;
  rounds: number;
  /** Not set: as the bench has it. */
  connections: number | undefined;
  check: boolean;
  profile: boolean;
  /** The folder of another checkout, for the bench of pages. */
  against: string | undefined;
}

const number = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${text} is not a number above 0`);
  return value;
};

/** Throws an error for the user if the arguments are invalid. */
export const parseFlags = (args: string[]): Flags => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '5' },
      connections: { type: 'string' },
      check: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      against: { type: 'string' },
    },
  });
  const [bench, ...others] = positionals;
  if (bench === undefined || others.length > 0) throw new Error('Name one bench.');
  return {
    bench,
    seconds: number(values.seconds),
    rounds: Math.ceil(number(values.rounds)),
    connections: values.connections === undefined ? undefined : Math.ceil(number(values.connections)),
    check: values.check,
    profile: values.profile,
    against: values.against && resolve(values.against),
  };
};
