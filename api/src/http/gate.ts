import { unavailable } from '../platform/problem.ts';

export interface GateLimits {
  atOnce: number;
  /** How many more can wait. */
  waiting: number;
  /** How long each waits at most. */
  patienceMs: number;
}

/** Limits how much work of one kind a process does at once. Problem: `service_unavailable`. */
export interface Gate {
  run<T>(work: () => Promise<T>): Promise<T>;
}

export const createGate = ({ atOnce, waiting, patienceMs }: GateLimits): Gate => {
  let working = 0;
  const queue = new Set<() => void>();

  const turn = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer);
        queue.delete(begin);
        resolve();
      };
      const timer = setTimeout(() => {
        queue.delete(begin);
        reject(unavailable(new Error(`the request waited longer than ${patienceMs} ms`), 2));
      }, patienceMs);
      queue.add(begin);
    });

  /** Passes the free place to the longest waiting one, so a new caller cannot take it first. */
  const leave = (): void => {
    const [next] = queue;
    if (next) next();
    else working--;
  };

  return {
    run: async (work) => {
      if (working < atOnce) working++;
      else if (queue.size < waiting) await turn();
      else throw unavailable(new Error(`${waiting} requests are already waiting`), 2);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
};
