import type { Agent, Resource } from '@sentryagent/sdk';

export interface Sample {
  header: string;
  claims: string;
  verify: string;
}

/** Any moment: an example must not change when the page is loaded again. */
const ISSUED_AT = 1_790_000_000;

const json = (value: unknown): string => JSON.stringify(value, null, 2);

/** What a token for the resource looks like when decoded, and how its service verifies it. */
export const sampleToken = (
  issuer: string,
  { identifier, scopes, tokenTtlSeconds }: Resource,
  { holder, tenantId }: { holder: Agent | undefined; tenantId: string },
): Sample => {
  const agentId = holder?.agentId ?? 'agt_…';
  const granted = holder?.resourceGrants.find(({ resource }) => resource === identifier)?.scopes ?? scopes;
  return {
    header: json({ alg: 'ES256', typ: 'at+jwt', kid: '…' }),
    claims: json({
      iss: issuer,
      aud: identifier,
      sub: agentId,
      client_id: agentId,
      tenant_id: tenantId,
      credential_id: 'crd_…',
      credential_generation: 0,
      scope: granted.join(' '),
      jti: 'evt_…',
      iat: ISSUED_AT,
      exp: ISSUED_AT + tokenTtlSeconds,
    }),
    verify: `import { createRemoteJWKSet, jwtVerify } from 'jose';

const keys = createRemoteJWKSet(new URL('${issuer}/.well-known/jwks.json'));

const { payload } = await jwtVerify(token, keys, {
  issuer: '${issuer}',
  audience: ${JSON.stringify(identifier)},
  typ: 'at+jwt',
  algorithms: ['ES256'],
});
// payload.scope: what the agent may do`,
  };
};
