import { fieldProblem, type FieldFault } from '../platform/field-problem.ts';
import { Problem, unavailable, type ProblemCode } from '../platform/problem.ts';

const resourceTaken = {
  code: 'resource_taken',
  detail: 'Your tenant already has a resource with this identifier. To change its scopes, delete it first.',
} as const;

/** The problem to return for each violated constraint. */
const constraints: Readonly<Record<string, { code: ProblemCode; detail: string }>> = {
  agents_name_key: {
    code: 'agent_name_taken',
    detail: 'Your tenant already has an agent with this name. Choose another name.',
  },
  credentials_kind_check: {
    code: 'credential_is_key',
    detail: 'A public key has no secret to rotate. Add the new key, then revoke this one.',
  },
  credentials_thumbprint_key: {
    code: 'key_taken',
    detail: 'This agent already has this key. Use it, or add a key of another key pair.',
  },
  resources_identifier_key: resourceTaken,
  resources_canonical_key: resourceTaken,
  credentials_agent_fkey: {
    code: 'not_found',
    detail: 'Nothing was found at this URL. Check the path and the ids in it.',
  },
};

/** The field whose value violates each constraint. */
const fields: Readonly<Record<string, FieldFault>> = {
  agents_owner_fkey: {
    path: ['body', 'owner'],
    words: 'must be the user id of a member of your tenant',
  },
};

/** SQLSTATEs for which a retry can succeed: connection, resources, operator intervention, system errors,
 * read-only, serialization, locks. */
const TRANSIENT = /^(08|53|57|58|25006|40001|40P01|55P03)/;
const SOCKET = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN']);
/** Driver messages that have no code. Not anchored, because Knex puts the statement before them. */
const LOST =
  /Connection terminated|timeout (expired|exceeded when trying to connect)|Client (has encountered a connection error|was closed)/;

const isTransient = (error: Error & { code?: unknown }): boolean =>
  error.name === 'KnexTimeoutError' ||
  (typeof error.code === 'string' && (TRANSIENT.test(error.code) || SOCKET.has(error.code))) ||
  LOST.test(error.message);

/** The problem that a failed query is for the caller. `undefined`: a defect of ours. */
export const databaseProblem = (error: unknown): Problem | undefined => {
  if (!(error instanceof Error)) return undefined;
  // Objection wraps the driver's error. Only that one has the constraint and the SQLSTATE.
  const { nativeError } = error as Error & { nativeError?: Error };
  if (nativeError) return databaseProblem(nativeError);
  const { constraint } = error as Error & { constraint?: string };
  const known = constraints[constraint ?? ''];
  if (known) return new Problem(known.code, known.detail, { cause: error });
  const field = fields[constraint ?? ''];
  if (field) return fieldProblem([field], error);
  // better-auth stores the driver's error in `cause`.
  return isTransient(error) ? unavailable(error) : databaseProblem(error.cause);
};
