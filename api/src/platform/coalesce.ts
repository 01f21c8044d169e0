export interface Coalesced {
  /** Resolves or rejects with the first run that begins after the call. All who call during a run share the next one. */
  run(): Promise<void>;
  /** Waits for the run that is under way and for the one that follows it. Never rejects. */
  settled(): Promise<void>;
}

/**
 * Runs work one at a time, however many ask. A running one may have missed what its caller wants it to see, so callers
 * share the next run. A failure cancels no later run.
 */
export const coalesce = (work: () => Promise<void>): Coalesced => {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    next = undefined;
    running = work().finally(() => (running = undefined));
    return running;
  };
  return {
    run: () => {
      // `next` first: for a moment the last run is over and the next one has not begun.
      if (next) return next;
      if (!running) return begin();
      next = running.catch(() => {}).then(begin);
      return next;
    },
    settled: async () => {
      await Promise.allSettled([running, next]);
    },
  };
};
