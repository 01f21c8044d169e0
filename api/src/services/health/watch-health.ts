import { setTimeout as wait } from 'node:timers/promises';
import { every } from '../../platform/every.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Seen, ServiceState } from '../../platform/service-state.ts';

/** How to get the state of each service: by a check, or from the last result if it is checked all the time. */
export type HealthSources<Name extends string> = Record<Name, () => Promise<Seen> | Seen>;

export interface HealthWatch<Name extends string> {
  current(): Record<Name, ServiceState>;
  stop(): void;
}

const INTERVAL_MS = 2_000;
/** A connected service that does not respond within this time is `degraded`. */
export const SLOW_MS = 1_000;

/**
 * Checks each service every two seconds, so requests read the result without waiting. Logs each change once, with its
 * cause.
 */
export const watchHealth = async <Name extends string>(
  sources: HealthSources<Name>,
  logger: Logger,
): Promise<HealthWatch<Name>> => {
  const names = Object.keys(sources) as Name[];
  const states = Object.fromEntries(names.map((name) => [name, 'disconnected'])) as Record<
    Name,
    ServiceState
  >;
  const logged = new Map<Name, ServiceState>();

  const see = (name: Name, { state, cause }: Seen): void => {
    states[name] = state;
    if (logged.get(name) === state) return;
    const isFirst = !logged.has(name);
    logged.set(name, state);
    if (state === 'degraded' || state === 'disconnected') logger.warn({ err: cause }, `${name} is ${state}`);
    else if (!isFirst) logger.info(`${name} is ${state}`);
  };
  const look = async (name: Name): Promise<void> => {
    const done = new AbortController();
    void wait(SLOW_MS, undefined, { signal: done.signal, ref: false }).then(
      () => {
        if (states[name] !== 'connected') return;
        see(name, { state: 'degraded', cause: new Error(`${name} did not answer within ${SLOW_MS} ms`) });
      },
      () => {},
    );
    try {
      see(name, await sources[name]());
    } finally {
      done.abort();
    }
  };
  await Promise.all(names.map(look));
  const stops = names.map((name) => every(INTERVAL_MS, logger, `checking ${name}`, () => look(name)));
  return {
    current: () => states,
    stop: () => stops.forEach((stop) => stop()),
  };
};
