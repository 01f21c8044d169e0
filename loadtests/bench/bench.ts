import type { Servers } from './servers.ts';

/** What answers on a port of this machine, and the requests that it is sent in turn. */
export interface Candidate {
  name: string;
  port: number;
  requests: readonly Buffer[];
}

/** How many times as fast as another candidate the first one must at least be. */
export interface Budget {
  against: string;
  /** Absent: the ratio is only told. */
  atLeast?: number;
}

export interface Prepared {
  /** Ours first: the budgets are its own. */
  candidates: readonly [Candidate, ...Candidate[]];
  budgets: readonly Budget[];
}

/** One question about speed, asked of ours and of what it is compared with in one run on one machine. */
export interface Bench {
  about: string;
  /** What is counted per second. */
  unit: string;
  /** Starts the candidates. With `profileDir`, ours alone, and its process writes its CPU profile there at its end. */
  prepare(servers: Servers, profileDir?: string): Promise<Prepared>;
}
