import { actionOf } from './dev-actions.ts';
import { StripeError } from './errors.ts';
import { addFaults, noFaults } from './faults.ts';
import type { Faults } from './faults.ts';
import type { Stand } from './stand.ts';
import type { Violations } from './violations.ts';

export interface LoggedRequest {
  method: string;
  path: string;
  idempotencyKey: string | null;
  status: number;
}

interface Place {
  stand: Stand;
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
  'GET /_dev/deliveries': ({ stand }) => ({ status: 200, body: Object.values(stand.state.deliveries) }),
  'GET /_dev/faults': ({ faults }) => ({ status: 200, body: faults }),
  'POST /_dev/faults': ({ faults }, body) => setFaults(faults, body),
  'DELETE /_dev/faults': ({ faults }) => ({ status: 200, body: Object.assign(faults, noFaults()) }),
};

const act = (stand: Stand, { method, path, query }: ControlRequest): JsonAnswer | undefined => {
  const action = method === 'POST' ? actionOf(path) : undefined;
  if (!action) return undefined;
  try {
    return { status: 200, body: action(stand, new URLSearchParams(query)) };
  } catch (error) {
    if (error instanceof StripeError) return { status: error.status, body: { error: error.message } };
    throw error;
  }
};

interface ControlRequest {
  method: string;
  path: string;
  query: string;
  body: string;
  /** It comes from a web page that is not ours. */
  isForeign: boolean;
}

/** Controls for developers and tests, and for the buttons of our own page. Other web pages cannot use them. */
export const control = (place: Place, request: ControlRequest): JsonAnswer => {
  if (request.isForeign) return { status: 403, body: { error: 'Web pages cannot use these controls.' } };
  const found = controls[`${request.method} ${request.path}`];
  return (
    found?.(place, request.body) ??
    act(place.stand, request) ?? { status: 404, body: { error: 'This control does not exist.' } }
  );
};
