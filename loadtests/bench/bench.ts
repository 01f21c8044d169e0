import type { Servers } from './servers.ts';

/** A server on a local port, and the requests to send to it in turn. */
export interface Candidate {
  name: string;
  port: number;
  requests: readonly Buffer[];
}

/** The minimum ratio of the first candidate's speed to another one's. */
export interface Budget {
  against: string;
  /** Not set: the ratio is only printed. */
  atLeast?: number;
}

export interface Prepared {
  /** Ours first, because the budgets apply to it. */
  candidates: readonly [Candidate, ...Candidate[]];
  budgets: readonly Budget[];
}

/** One benchmark of our server and others, in one run on one machine. */
export interface Bench {
  about: string;
  /** The unit that is counted per second. */
  unit: string;
  /** Starts the candidates. With `profileDir`, starts only ours, which writes its CPU profile there when it exits. */
  prepare(servers: Servers, profileDir?: string): Promise<Prepared>;
}
