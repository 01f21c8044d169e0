import { newId } from '../ids.ts';
import {
  arrayOf,
  emptyable,
  flag,
  mergeMetadata,
  metadata,
  nonEmpty,
  required,
  text,
  url,
} from '../parameters.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import type { WebhookEndpoint } from '../wire.ts';
import { page, paging } from './lists.ts';
import { route } from './route.ts';

const endpointOf = ({ state }: Stand, id: string): WebhookEndpoint =>
  find(state.endpoints, id, 'webhook endpoint');

const optional = { description: emptyable(text), metadata };
const path = '/v1/webhook_endpoints/{webhook_endpoint}';

/** The stand-in allows http://localhost. Stripe requires a public https URL in live mode. */
export const webhookEndpoints = [
  route(
    'POST /v1/webhook_endpoints',
    { ...optional, enabled_events: required(arrayOf(nonEmpty)), url: required(url) },
    (stand, { params }) => {
      const endpoint: WebhookEndpoint = {
        id: newId('we_1'),
        object: 'webhook_endpoint',
        api_version: null,
        application: null,
        created: stand.now(),
        description: params.description ?? null,
        enabled_events: params.enabled_events,
        livemode: false,
        metadata: mergeMetadata({}, params.metadata),
        status: 'enabled',
        url: params.url,
      };
      const secret = newId('whsec_', 32);
      stand.state.endpoints[endpoint.id] = endpoint;
      stand.state.secrets[endpoint.id] = secret;
      // Only this response contains the secret.
      return { ...endpoint, secret };
    },
  ),

  route(`GET ${path}`, {}, (stand, { id }) => endpointOf(stand, id)),

  route('GET /v1/webhook_endpoints', paging, ({ state }, { params }) =>
    page('/v1/webhook_endpoints', state.endpoints, params, () => true),
  ),

  route(
    `POST ${path}`,
    { ...optional, disabled: flag, enabled_events: arrayOf(nonEmpty), url },
    (stand, { id, params }) => {
      const endpoint = endpointOf(stand, id);
      const { disabled, metadata: given, ...rest } = params;
      return Object.assign(endpoint, rest, {
        metadata: mergeMetadata(endpoint.metadata, given),
        ...(disabled !== undefined && { status: disabled ? 'disabled' : 'enabled' }),
      });
    },
  ),

  route(`DELETE ${path}`, {}, (stand, { id }) => {
    endpointOf(stand, id);
    delete stand.state.endpoints[id];
    delete stand.state.secrets[id];
    return { id, object: 'webhook_endpoint', deleted: true };
  }),
];
