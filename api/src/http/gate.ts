import { unavailable } from '../platform/problem.ts';

export interface GateLimits {
  /** How many may work at once. */
  atOnce: number;
  /** How many more may wait for their turn. */
  waiting: number;
  /** How long one may wait. */
  patienceMs: number;
}

/** Bounds how much of one kind of work a process does at once. Problem: `service_unavailable`. */
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

  /** A place that becomes free goes straight to the one that has waited longest. */
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
