import type { Transaction } from './database.ts';

/** Passed as an argument, so that a test can set it. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

const askTime = async (trx: Transaction): Promise<Date> =>
  (await trx.raw<{ rows: [{ now: Date }] }>('select now()')).rows[0].now;

const times = new WeakMap<Transaction, Promise<Date>>();

/**
 * The time of Postgres. Use it for decisions on which all processes must agree. In a transaction, it is the time at which
 * that began, so it is asked once.
 */
export const readTime = (trx: Transaction): Promise<Date> => {
  const known = times.get(trx) ?? askTime(trx);
  times.set(trx, known);
  return known;
};

/** The clock of a server that all processes share. */
export interface SharedClock {
  now(): Date;
  /** Sets the time that the server has just returned. */
  saw(time: Date): void;
}

/**
 * Adds the monotonic time of this process to the last reading, so changes of the local clock have no effect. `first` is
 * used until the first reading.
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
