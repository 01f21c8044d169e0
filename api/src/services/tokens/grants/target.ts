import type { FoundResource } from '../../resources/find-resource.ts';
import type { Client } from '../authenticate-client.ts';
import { OAuthError } from '../oauth-error.ts';
import { isResource, isResourceUri } from '../resource-uri.ts';
import type { GrantDeps } from './grant.ts';

/** What the token is for (RFC 8707): the API, with the scopes that the agent was granted, or a tenant's resource. */
export const findTarget = async (
  { findResource, config }: GrantDeps,
  { tenantId, scopes }: Client,
  resource: string,
): Promise<FoundResource> => {
  const { PUBLIC_URL: identifier, TOKEN_TTL_SECONDS: tokenTtlSeconds } = config;
  if (isResource(resource, identifier)) return { identifier, scopes, tokenTtlSeconds };
  const found = isResourceUri(resource) ? await findResource(tenantId, resource) : undefined;
  if (found) return found;
  throw new OAuthError(
    'invalid_target',
    `resource is ${identifier}, or a resource of your tenant (GET /resources).`,
  );
};
