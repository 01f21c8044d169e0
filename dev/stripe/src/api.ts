import { setTimeout as wait } from 'node:timers/promises';
import { checkKey } from './credentials.ts';
import { StripeError, apiError, invalid } from './errors.ts';
import { checkExpand, expanded, presented } from './expand.ts';
import { takeFault } from './faults.ts';
import type { Faults, RequestFault } from './faults.ts';
import { parseForm } from './form.ts';
import type { Fields } from './form.ts';
import { fingerprintOf } from './idempotency.ts';
import type { Idempotency } from './idempotency.ts';
import { newId } from './ids.ts';
import { arrayOf, text } from './parameters.ts';
import type { Route } from './routes/route.ts';
import { findRoute } from './routes/routes.ts';
import type { Stand } from './stand.ts';
import type { Violations } from './violations.ts';
import type { Cause } from './wire.ts';

export interface ApiRequest {
  method: string;
  path: string;
  query: string;
  body: string;
  authorization: string | undefined;
  idempotencyKey: string | undefined;
}

export interface ApiAnswer {
  status: number;
  body: object;
  requestId: string;
  replayed?: boolean;
  /** Close the connection instead. */
  cut?: boolean;
}

interface Outcome {
  status: number;
  body: object;
  /** The request was executed, so the idempotency key stores the response. */
  kept: boolean;
}

interface Place {
  stand: Stand;
  faults: Faults;
  violations: Violations;
  idempotency: Idempotency;
  changed(): void;
}

interface Operation {
  route: Route;
  id: string;
  form: Fields;
  cause: Cause;
}

const failure = ({ status, body }: StripeError): Outcome => ({
  status,
  body: { error: body },
  // Stripe does not store the response if validation fails.
  kept: status !== 400,
});

const outcomeOf = (work: () => object): Outcome => {
  try {
    return { status: 200, body: work(), kept: true };
  } catch (error) {
    if (error instanceof StripeError) return failure(error);
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return failure(apiError('The local stand-in for Stripe failed. See its log.'));
  }
};

const read = (route: Route, { expand, ...form }: Fields): { params: unknown; expand: string[] } => {
  const paths = expand === undefined ? [] : arrayOf(text)(expand, 'expand');
  checkExpand(paths);
  return { params: route.read(form, ''), expand: paths };
};

const readOrRefuse = (route: Route, form: Fields): ReturnType<typeof read> | StripeError => {
  try {
    return read(route, form);
  } catch (error) {
    if (error instanceof StripeError) return error;
    throw error;
  }
};

/** Stripe has special errors for unknown and missing top-level parameters. */
const isPlain = ({ body: { code = '', param = '' } }: StripeError): boolean =>
  ['parameter_unknown', 'parameter_missing'].includes(code) && !param.includes('[');

/**
 * Validates the form with our own table and Stripe's schema. Parameters that only the schema has are not implemented.
 */
const readChecked = ({ schema, note }: Violations, { route, form }: Operation): ReturnType<typeof read> => {
  const operation = `${route.method.toLowerCase()} ${route.path}`;
  const violation = note(`${route.method} ${route.path}`, schema?.request(operation, form));
  const result = readOrRefuse(route, form);
  if (violation) throw result instanceof StripeError && isPlain(result) ? result : apiError(violation);
  if (!(result instanceof StripeError)) return result;
  if (!schema || result.body.code !== 'parameter_unknown') throw result;
  throw apiError(`The local stand-in for Stripe does not do this: ${result.message}`);
};

const perform = ({ stand, violations }: Place, operation: Operation): Outcome => {
  const { route, id, cause } = operation;
  let asked: string[] = [];
  const outcome = outcomeOf(() => {
    const { params, expand } = readChecked(violations, operation);
    asked = expand;
    return presented(route.handle(stand, { id, params, cause }), expand);
  });
  const name = `${route.method.toLowerCase()} ${route.path}`;
  const found = violations.schema?.answer(name, outcome.status, outcome.body);
  const violation = violations.note(`the answer of ${name}`, found);
  if (violation) return failure(apiError(violation));
  // The schema has ids only.
  return { ...outcome, body: expanded(stand.state, outcome.body, asked) };
};

/** An injected status. The response to a 5xx is stored for its key, others are not. */
const spoiled = (status: number): Outcome => ({
  status,
  body: {
    error: {
      type: status >= 500 ? 'api_error' : 'invalid_request_error',
      message: 'This fault was requested by a test.',
      ...(status === 429 && { code: 'rate_limit' }),
    },
  },
  kept: status >= 500,
});

const run = async (place: Place, operation: Operation, fault: RequestFault | undefined): Promise<Outcome> => {
  const outcome = fault?.status ? spoiled(fault.status) : perform(place, operation);
  place.changed();
  if (fault?.delayMs) await wait(fault.delayMs);
  return outcome;
};

/** Executes a request once per key. Later ones get the stored response. */
const runOnce = async (
  place: Place,
  operation: Operation,
  fault: RequestFault | undefined,
): Promise<Outcome & { replayed?: boolean }> => {
  const { idempotency } = place;
  const { route, id, form, cause } = operation;
  const key = cause.idempotency_key;
  if (key === null) return run(place, operation, fault);
  const fingerprint = fingerprintOf(route.method, `${route.path} ${id}`, form);
  const stored = idempotency.begin(key, fingerprint);
  if (stored) return { ...stored, kept: false, replayed: true };
  let outcome: Outcome | undefined;
  try {
    return (outcome = await run(place, operation, fault));
  } finally {
    idempotency.end(key, fingerprint, outcome?.kept ? outcome : undefined);
    place.changed();
  }
};

const formOf = ({ query, body }: ApiRequest): Fields => {
  try {
    return parseForm(query, body);
  } catch {
    throw invalid('Invalid form encoding.');
  }
};

/** Handles a request to Stripe's API. */
export const answerApi = async (place: Place, request: ApiRequest): Promise<ApiAnswer> => {
  const requestId = newId('req_', 14);
  const { method, path } = request;
  try {
    checkKey(request.authorization);
    const found = findRoute(method, path);
    if (!found) {
      const message = `Unrecognized request URL (${method}: ${path}).`;
      throw new StripeError(404, { type: 'invalid_request_error', message });
    }
    const key = (method === 'POST' && request.idempotencyKey) || null;
    const cause = { id: requestId, idempotency_key: key };
    const fault = takeFault(place.faults, method, path);
    const outcome = await runOnce(place, { ...found, form: formOf(request), cause }, fault);
    return { ...outcome, requestId, cut: fault?.cut ?? false };
  } catch (error) {
    if (error instanceof StripeError) return { ...failure(error), requestId };
    throw error;
  }
};
