import type { webcrypto } from 'node:crypto';
import { auth, discoverAuthorizationServerMetadata } from '@modelcontextprotocol/sdk/client/auth.js';
import {
  ClientCredentialsProvider,
  PrivateKeyJwtProvider,
} from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { OAuthMetadataSchema } from '@modelcontextprotocol/sdk/shared/auth.js';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { addKey } from './support/assertions.ts';
import type { TestKey } from './support/assertions.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent } from './support/callers.ts';

let api: TestApi;
let agent: TestAgent;
let keys: TestKey[];
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  const member = await signUp(api);
  agent = await registerAgent(api, member, ['agents:read', 'billing:read']);
  keys = await Promise.all(
    (['ES256', 'EdDSA', 'RS256'] as const).map((algorithm) => addKey(member, agent.agentId, algorithm)),
  );
});
afterAll(() => api.close());

/** The issuer has a name of its own; its server is on a port of this machine. */
const reach = (url: string, init?: RequestInit): Promise<Response> =>
  fetch(url.replace(PUBLIC_URL, api.url), init);

const insecure = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: reach as never } as const;

const importKey = ({ algorithm, privateKey }: TestKey): Promise<webcrypto.CryptoKey> =>
  crypto.subtle.importKey(
    'pkcs8',
    privateKey.export({ type: 'pkcs8', format: 'der' }),
    {
      ES256: { name: 'ECDSA', namedCurve: 'P-256' },
      EdDSA: { name: 'Ed25519' },
      RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    }[algorithm],
    false,
    ['sign'],
  );

describe('oauth4webapi drives discovery, token, introspection and revocation', () => {
  const authentications: [string, () => Promise<oauth.ClientAuth>][] = [
    ['client_secret_basic', async () => oauth.ClientSecretBasic(agent.clientSecret)],
    ['client_secret_post', async () => oauth.ClientSecretPost(agent.clientSecret)],
    ...[0, 1, 2].map((index): [string, () => Promise<oauth.ClientAuth>] => [
      `private_key_jwt, key ${index}`,
      async () => oauth.PrivateKeyJwt(await importKey(keys[index]!)),
    ]),
  ];

  it.each(authentications)('by %s', async (_method, authentication) => {
    const issuer = new URL(PUBLIC_URL);
    const server = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oauth2' }),
    );
    const client: oauth.Client = { client_id: agent.clientId };
    const auth = await authentication();
    const token = await oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, auth, { scope: 'agents:read' }, insecure),
    );
    expect(token).toMatchObject({ token_type: 'bearer', scope: 'agents:read', expires_in: 900 });
    const introspect = async () =>
      oauth.processIntrospectionResponse(
        server,
        client,
        await oauth.introspectionRequest(server, client, auth, token.access_token, insecure),
      );
    expect(await introspect()).toMatchObject({
      active: true,
      client_id: agent.clientId,
      scope: 'agents:read',
    });
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, auth, token.access_token, insecure),
    );
    expect(await introspect()).toEqual({ active: false });
  });

  it('and hears of a wrong secret in the form of RFC 6749', async () => {
    const issuer = new URL(PUBLIC_URL);
    const server = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { ...insecure, algorithm: 'oidc' }),
    );
    const client: oauth.Client = { client_id: agent.clientId };
    const auth = oauth.ClientSecretPost('wrong');
    const response = await oauth.clientCredentialsGrantRequest(server, client, auth, {}, insecure);
    const refused: unknown = await oauth
      .processClientCredentialsResponse(server, client, response)
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 401 });
  });
});

it('openid-client drives the same', async () => {
  const config = await openid.discovery(
    new URL(PUBLIC_URL),
    agent.clientId,
    undefined,
    openid.ClientSecretBasic(agent.clientSecret),
    { algorithm: 'oauth2', execute: [openid.allowInsecureRequests], [openid.customFetch]: reach as never },
  );
  const token = await openid.clientCredentialsGrant(config, { scope: 'billing:read' });
  expect(token.scope).toBe('billing:read');
  expect(await openid.tokenIntrospection(config, token.access_token)).toMatchObject({ active: true });
  await openid.tokenRevocation(config, token.access_token);
  expect(await openid.tokenIntrospection(config, token.access_token)).toEqual({ active: false });
});

describe('An MCP client gets a token', () => {
  const reachUrl = (url: string | URL, init?: RequestInit): Promise<Response> => reach(String(url), init);
  const providers: [string, () => ClientCredentialsProvider | PrivateKeyJwtProvider][] = [
    [
      'by its secret',
      () =>
        new ClientCredentialsProvider({
          clientId: agent.clientId,
          clientSecret: agent.clientSecret,
          scope: 'agents:read',
          expectedIssuer: PUBLIC_URL,
        }),
    ],
    [
      'by its key',
      () =>
        new PrivateKeyJwtProvider({
          clientId: agent.clientId,
          privateKey: keys[0]!.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
          algorithm: 'ES256',
          scope: 'agents:read',
          expectedIssuer: PUBLIC_URL,
        }),
    ],
  ];

  it.each(providers)('%s, from the address of the API alone', async (_how, make) => {
    const provider = make();
    expect(await auth(provider, { serverUrl: PUBLIC_URL, fetchFn: reachUrl })).toBe('AUTHORIZED');
    const tokens = provider.tokens();
    expect(tokens).toMatchObject({ token_type: 'Bearer', scope: 'agents:read' });
    const headers = { authorization: `Bearer ${tokens!.access_token}` };
    expect((await reach(`${PUBLIC_URL}/agents`, { headers })).status).toBe(200);
  });

  it('from metadata that its schema takes as a whole, and not without the lists that it insists on', async () => {
    const metadata = await discoverAuthorizationServerMetadata(PUBLIC_URL, { fetchFn: reachUrl });
    expect(metadata).toMatchObject({ issuer: PUBLIC_URL, response_types_supported: ['none'] });
    for (const member of ['authorization_endpoint', 'response_types_supported']) {
      const rest = Object.fromEntries(Object.entries(metadata!).filter(([name]) => name !== member));
      expect(OAuthMetadataSchema.safeParse(rest).success).toBe(false);
    }
  });
});
