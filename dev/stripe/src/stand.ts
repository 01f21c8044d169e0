import type { State } from './state.ts';
import type { Cause } from './wire.ts';

/** What the operations stand on. */
export interface Stand {
  state: State;
  /** `http://localhost:<port>`, where browsers find the pages. */
  origin: string;
  /** Seconds since 1970. */
  now(): number;
  emit: Emit;
}

/** Records an event about an object as it is now, and sends it to who wants it. */
export type Emit = (cause: Cause, type: string, object: object, previous?: Record<string, unknown>) => void;

/** What a page or the clock did, and no request. */
export const NO_REQUEST: Cause = { id: null, idempotency_key: null };

/** The old values of the fields that differ: an `updated` event's `previous_attributes`. */
const differences = (before: object, after: object): Record<string, unknown> => {
  const now = new Map(Object.entries(after));
  return Object.fromEntries(
    Object.entries(before).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(now.get(name))),
  );
};

/** Assigns to the object and sends `<type>` with what it was before. */
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
