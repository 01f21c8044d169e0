import type { State } from './state.ts';
import type { Cause } from './wire.ts';

/** The context of all operations. */
export interface Stand {
  state: State;
  /** `http://localhost:<port>`, the origin of the pages. */
  origin: string;
  /** Seconds since 1970. */
  now(): number;
  emit: Emit;
}

/** Records an event with a copy of the object, and sends it to the endpoints that want it. */
export type Emit = (cause: Cause, type: string, object: object, previous?: Record<string, unknown>) => void;

/** The cause if there is no request: a page or the clock. */
export const NO_REQUEST: Cause = { id: null, idempotency_key: null };

/** The old values of changed fields: `previous_attributes` of an `updated` event. */
const differences = (before: object, after: object): Record<string, unknown> => {
  const now = new Map(Object.entries(after));
  return Object.fromEntries(
    Object.entries(before).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(now.get(name))),
  );
};

/** Changes the object and sends `<type>` with the previous values. */
export const change = <T extends object>(
  { emit }: Stand,
  cause: Cause,
  type: string,
  object: T,
  update: Partial<T>,
): T => {
  const before = structuredClone(object);
  Object.assign(object, update);
  emit(cause, type, object, differences(before, object));
  return object;
};
