import type { Deps } from '../deps.ts';
import { addressKey } from '../platform/address.ts';
import type { Origin } from '../platform/principal.ts';
import type { Client } from '../services/clients/client.ts';
import { ClientRefusal } from '../services/clients/client-refusal.ts';
import { OAuthError } from '../platform/oauth-error.ts';
import { confirmClient } from '../services/clients/confirm-client.ts';
import { clientSecretBasic } from './client-authentication/client-secret-basic.ts';
import { clientSecretPost } from './client-authentication/client-secret-post.ts';
import type { ClientAuthenticationDeps, ClientRequest, Presented } from './client-authentication/method.ts';
import { privateKeyJwt } from './client-authentication/private-key-jwt.ts';
import type { AttemptLimit } from './attempt-limits.ts';
import type { Request } from './route.ts';

const methods = [clientSecretBasic, clientSecretPost, privateKeyJwt];

export const clientAuthenticationMethods: readonly string[] = methods.map(({ name }) => name);

/** RFC 6749 section 2.3: a request uses one method, and names one client. */
const readPresented = (deps: ClientAuthenticationDeps, request: ClientRequest): Presented => {
  const [method, second] = methods.filter(({ isUsed }) => isUsed(request));
  if (!method) {
    throw new OAuthError(
      'invalid_client',
      `Authenticate with one of these methods: ${clientAuthenticationMethods.join(', ')}.`,
    );
  }
  if (second) throw new OAuthError('invalid_request', 'Use only one client authentication method.');
  const presented = method.read(deps, request);
  const named = request.body.client_id;
  if (named !== undefined && named !== presented.clientId) {
    throw new OAuthError(
      'invalid_request',
      'client_id is not the client that authenticates. Omit client_id.',
    );
  }
  return presented;
};

/** A `catch` handler for client authentication: notes a refused client, then throws the error again. */
export const noteRefusal =
  ({ refusedClients }: Pick<Deps, 'refusedClients'>, clientId: string, origin: Origin) =>
  (error: unknown): never => {
    if (error instanceof ClientRefusal) {
      const { reason, credentialId } = error;
      refusedClients.note({ clientId, reason, credentialId, origin });
    }
    throw error;
  };

type AuthenticatedRequest = ClientRequest & Pick<Request, 'origin'>;

/**
 * Authenticates the client. It does not mark an assertion as used: the commit of the request does that. A client that
 * has reached its limit is rejected before any look-up. OAuthError: `invalid_client`, `invalid_request`; Problem:
 * `rate_limited`.
 */
export const proveClient = async (
  deps: ClientAuthenticationDeps,
  limit: AttemptLimit,
  request: AuthenticatedRequest,
): Promise<Client> => {
  const presented = readPresented(deps, request);
  const key = `${presented.clientId.slice(0, 64)} ${addressKey(request.origin.ip)}`;
  limit.check(key);
  try {
    return await presented.prove().catch(noteRefusal(deps, presented.clientId, request.origin));
  } catch (error) {
    if (error instanceof OAuthError) await limit.consume(key);
    throw error;
  }
};

/**
 * Like `proveClient`, but also reads a cached client again and marks its assertion as used. For requests that the ledger
 * does not commit.
 */
export const authenticateClient = async (
  deps: ClientAuthenticationDeps & Pick<Deps, 'db'>,
  limit: AttemptLimit,
  request: AuthenticatedRequest,
): Promise<Client> => {
  const client = await proveClient(deps, limit, request);
  return confirmClient(deps.db, client, request.origin.requestId).catch(
    noteRefusal(deps, client.agentId, request.origin),
  );
};
