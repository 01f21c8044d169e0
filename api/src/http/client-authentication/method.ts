import type { IncomingHttpHeaders } from 'node:http';
import type { Deps } from '../../deps.ts';
import type { Client } from '../../services/clients/client.ts';

/** The form fields that can authenticate a client. */
export interface ClientForm {
  client_id?: string | undefined;
  client_secret?: string | undefined;
  client_assertion?: string | undefined;
  client_assertion_type?: string | undefined;
}

export interface ClientRequest {
  headers: IncomingHttpHeaders;
  body: ClientForm;
}

/** The client id of a request, unverified, and the check that verifies it. */
export interface Presented {
  clientId: string;
  /** Throws a ClientRefusal. */
  prove(): Promise<Client>;
}

export type ClientAuthenticationDeps = Pick<
  Deps,
  'authenticateSecret' | 'authenticateAssertion' | 'refusedClients'
>;

/** A client authentication method, with its name in the registry of RFC 7591. */
export interface ClientAuthenticationMethod {
  name: string;
  /** Whether the request uses this method, even incorrectly. */
  isUsed(request: ClientRequest): boolean;
  /** Throws an OAuthError if the parameters cannot be parsed. */
  read(deps: ClientAuthenticationDeps, request: ClientRequest): Presented;
}
