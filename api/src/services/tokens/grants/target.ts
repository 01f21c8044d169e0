import type { FoundResource } from '../../resources/find-resource.ts';
import type { Client } from '../../clients/client.ts';
import { OAuthError } from '../../../platform/oauth-error.ts';
import { isResource, mayBeStored } from '../../../platform/resource-uri.ts';
import type { GrantDeps, TokenParameters } from './grant.ts';

/** A client that sends `audience` must not get a token for the API instead, which has more rights. */
export const refuseAudience = ({ audience }: TokenParameters): void => {
  if (audience === undefined) return;
  throw new OAuthError('invalid_target', 'audience is not supported. Send resource (RFC 8707) instead.');
};

/** The API or a resource of the tenant (RFC 8707), with the scopes that the agent was granted. */
export const findTarget = async (
  { findResource, config }: GrantDeps,
  { tenantId, agentId, scopes }: Client,
  resource: string,
): Promise<FoundResource> => {
  const { PUBLIC_URL: identifier, TOKEN_TTL_SECONDS: tokenTtlSeconds } = config;
  if (isResource(resource, identifier)) return { identifier, scopes, tokenTtlSeconds };
  const found = mayBeStored(resource) ? await findResource(tenantId, agentId, resource) : undefined;
  if (found) return found;
  throw new OAuthError(
    'invalid_target',
    `Send resource=${identifier}, or a resource for which this agent has scopes. ` +
      `An owner or admin can grant scopes with PATCH /agents/${agentId} (resourceGrants).`,
  );
};
