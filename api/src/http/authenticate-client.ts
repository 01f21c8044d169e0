import type { Deps } from '../deps.ts';
import type { Client } from '../services/tokens/authenticate-client.ts';
import { OAuthError } from '../services/tokens/oauth-error.ts';
import { addressKey } from './doors.ts';
import type { Door } from './doors.ts';
import type { Request } from './route.ts';

export interface ClientFields {
  client_id?: string | undefined;
  client_secret?: string | undefined;
}

export type ClientRequest = Pick<Request<unknown, unknown, ClientFields>, 'headers' | 'body' | 'origin'>;

interface ClientCredentials {
  clientId: string;
  clientSecret: string;
}

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined and put in base64. */
const formDecode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new OAuthError('invalid_client', 'The Basic credentials are not form-encoded.');
  }
};

const readBasic = (authorization: string): ClientCredentials => {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization) ?? [];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0)
    throw new OAuthError('invalid_client', 'Send "Authorization: Basic base64(client_id:client_secret)".');
  return { clientId: formDecode(text.slice(0, colon)), clientSecret: formDecode(text.slice(colon + 1)) };
};

/** One method of authentication per request (RFC 6749 section 2.3). */
const readCredentials = ({ headers, body: form }: ClientRequest): ClientCredentials => {
  const authorization = headers.get('authorization');
  const { client_id: clientId, client_secret: clientSecret } = form;
  if (authorization !== null) {
    const basic = readBasic(authorization);
    if (clientSecret !== undefined || (clientId !== undefined && clientId !== basic.clientId)) {
      throw new OAuthError('invalid_request', 'Use one method of client authentication, not two.');
    }
    return basic;
  }
  if (clientId === undefined || clientSecret === undefined) {
    throw new OAuthError('invalid_client', 'Send the client id and secret by Basic or in the body.');
  }
  return { clientId, clientSecret };
};

/** The agent that has proved itself. OAuthError: `invalid_client`, of an unknown one and a wrong secret alike. */
export const authenticateClient = async (
  { authenticateClient: find }: Pick<Deps, 'authenticateClient'>,
  door: Door,
  request: ClientRequest,
): Promise<Client> => {
  const { clientId, clientSecret } = readCredentials(request);
  const key = `${clientId.slice(0, 64)} ${addressKey(request.origin.ip)}`;
  door.checkOpen(key);
  const client = await find(clientId, clientSecret);
  if (client) return client;
  await door.knock(key);
  throw new OAuthError('invalid_client', 'Unknown client, or wrong secret.');
};
