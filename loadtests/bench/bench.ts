import type { Load, Measured } from './load.ts';
import type { Servers } from './servers.ts';

/** What is measured in turn, round after round. */
export interface Candidate {
  name: string;
  /** A result without what it takes to make ready for the next round. */
  measure(load: Load): Promise<Measured>;
}

/** The minimum ratio of the speed of one candidate, which is ours, to that of another one. */
export interface Budget {
  of: string;
  against: string;
  /** Not set: the ratio is only printed. */
  atLeast?: number;
}

/** The maximum of a candidate's p99, in milliseconds. */
export interface Limit {
  of: string;
  p99AtMost: number;
}

export interface Prepared {
  candidates: readonly Candidate[];
  budgets: readonly Budget[];
  limits?: readonly Limit[];
}

/** How a bench is asked to run. */
export interface Asked {
  connections: number;
  /** The time per candidate and round, without the warm-up. */
  seconds: number;
  /** Set: only ours is started, and it writes its CPU profile there when it exits. */
  profileDir?: string | undefined;
  /** The folder of another checkout that is measured too, with its dependencies and its dashboard built. */
  against?: string | undefined;
}

/** One benchmark of our server and others, in one run on one machine. */
export interface Bench {
  about: string;
  /** The unit that is counted per second. */
  unit: string;
  /** Unless the flag says otherwise. */
  connections: number;
  prepare(servers: Servers, asked: Asked): Promise<Prepared>;
}
