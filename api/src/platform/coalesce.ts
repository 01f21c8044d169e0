export interface Coalesced {
  /** Resolves or rejects with the first run that begins after the call. All who call during a run share the next one. */
  run(): Promise<void>;
  /** Waits for the current run and the next one, if any. Never rejects. */
  settled(): Promise<void>;
}

/**
 * Runs work one at a time. The current run may have started too early to see a caller's change, so callers share the
 * next run. A failure cancels no later run.
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
      // Check `next` first: between two runs, `running` is not set.
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
