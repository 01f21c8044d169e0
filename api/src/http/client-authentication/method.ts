import type { IncomingHttpHeaders } from 'node:http';
import type { Deps } from '../../deps.ts';
import type { Client } from '../../services/clients/client.ts';

/** What of a request's form may authenticate its client. */
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

/** Who a request says it is from, and how that is proved. */
export interface Presented {
  clientId: string;
  /** Throws a ClientRefusal. */
  prove(): Promise<Client>;
}

export type ClientAuthenticationDeps = Pick<
  Deps,
  'authenticateSecret' | 'authenticateAssertion' | 'refusedClients'
>;

/** One way for a client to authenticate, by its name in the registry of RFC 7591. */
export interface ClientAuthenticationMethod {
  name: string;
  /** Whether the request makes use of it, be it wrongly. */
  isUsed(request: ClientRequest): boolean;
  /** OAuthError where what was sent cannot be read. */
  read(deps: ClientAuthenticationDeps, request: ClientRequest): Presented;
}
