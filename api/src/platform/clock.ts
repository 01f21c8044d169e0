import type { Transaction } from './database.ts';

/** The clock of this process, as an argument so that a test can set it. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

/** Postgres' clock, which all processes share: what they must agree on is decided by it, and not by their own. */
export const readTime = async (trx: Transaction): Promise<Date> =>
  (await trx.raw<{ rows: [{ now: Date }] }>('select now()')).rows[0].now;

/** The time of a server that all processes share. */
export interface SharedClock {
  now(): Date;
  /** What that server's clock showed a moment ago. */
  saw(time: Date): void;
}

/**
 * Goes on from the last reading by the monotonic time of this process, so nobody who sets its clock moves it. `first` is
 * for the time before there is a reading.
 */
export const createSharedClock = (first: Clock): SharedClock => {
  let reading: { time: number; at: number } | undefined;
  return {
    now: () => (reading ? new Date(reading.time + performance.now() - reading.at) : first()),
    saw: (time) => {
      reading = { time: time.getTime(), at: performance.now() };
    },
  };
};
