import { addFaults, noFaults } from './faults.ts';
import type { Faults } from './faults.ts';
import type { State } from './state.ts';
import type { Violations } from './violations.ts';

export interface LoggedRequest {
  method: string;
  path: string;
  idempotencyKey: string | null;
  status: number;
}

interface Place {
  state: State;
  faults: Faults;
  violations: Violations;
  requests: LoggedRequest[];
}

interface JsonAnswer {
  status: number;
  body: unknown;
}

const setFaults = (faults: Faults, body: string): JsonAnswer => {
  try {
    return { status: 200, body: addFaults(faults, JSON.parse(body)) };
  } catch (error) {
    return { status: 400, body: { error: (error as Error).message } };
  }
};

const controls: Record<string, (place: Place, body: string) => JsonAnswer> = {
  'GET /_dev/health': () => ({ status: 200, body: { status: 'ok' } }),
  'GET /_dev/violations': ({ violations }) => ({ status: 200, body: violations.list }),
  'GET /_dev/requests': ({ requests }) => ({ status: 200, body: requests }),
  'GET /_dev/deliveries': ({ state }) => ({ status: 200, body: Object.values(state.deliveries) }),
  'GET /_dev/faults': ({ faults }) => ({ status: 200, body: faults }),
  'POST /_dev/faults': ({ faults }, body) => setFaults(faults, body),
  'DELETE /_dev/faults': ({ faults }) => ({ status: 200, body: Object.assign(faults, noFaults()) }),
};

/** Controls for developers and tests. Web pages cannot use them, because requests with an Origin are rejected. */
export const control = (
  place: Place,
  request: { method: string; path: string; body: string; origin: string | undefined },
): JsonAnswer => {
  if (request.origin) return { status: 403, body: { error: 'Web pages cannot use these controls.' } };
  const found = controls[`${request.method} ${request.path}`];
  return found
    ? found(place, request.body)
    : { status: 404, body: { error: 'This control does not exist.' } };
};
