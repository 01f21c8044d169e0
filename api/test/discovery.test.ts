import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { supported } from '../src/http/supported.ts';
import { ASSERTION_TYPE, addKey, signAssertion } from './support/assertions.ts';
import type { TestKey } from './support/assertions.ts';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, post, registerAgent, signUp } from './support/callers.ts';
import type { Json, Reply, TestAgent, TestMember } from './support/callers.ts';

let api: TestApi;
let member: TestMember;
let agent: TestAgent;
let key: TestKey;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' } });
  member = await signUp(api);
  agent = await registerAgent(api, member, ['agents:read', 'tokens:read']);
  key = await addKey(member, agent.agentId);
});
afterAll(() => api.close());

const wellKnown = (name: string, headers: Record<string, string> = {}): Promise<Reply> =>
  call(api, `/.well-known/${name}`, { headers });

const documents = [
  'oauth-authorization-server',
  'openid-configuration',
  'oauth-protected-resource',
  'jwks.json',
];

/** Posts to an endpoint as the metadata names it: the issuer is where this API would be reached. */
const ask = (endpoint: unknown, form: Record<string, string>, authorization?: string): Promise<Reply> => {
  expect(String(endpoint).startsWith(`${PUBLIC_URL}/`)).toBe(true);
  return call(api, String(endpoint).slice(PUBLIC_URL.length), {
    method: 'POST',
    headers: authorization === undefined ? {} : { authorization },
    body: new URLSearchParams(form),
  });
};

const byKey = (form: Record<string, string>, signer: TestKey): Record<string, string> => ({
  ...form,
  client_assertion_type: ASSERTION_TYPE,
  client_assertion: signAssertion(signer, agent.clientId),
});

/** How to send a form with each way of proving oneself. A way without an entry here fails the test. */
const methods: Record<string, (form: Record<string, string>) => Promise<[Record<string, string>, string?]>> =
  {
    client_secret_basic: async (form) => [form, basic(agent.clientId, agent.clientSecret)],
    client_secret_post: async (form) => [
      { ...form, client_id: agent.clientId, client_secret: agent.clientSecret },
    ],
    private_key_jwt: async (form) => [byKey(form, key)],
    Bearer: async (form) => [form, `Bearer ${await agent.token()}`],
  };

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const grants: Record<string, () => Promise<Record<string, string>>> = {
  client_credentials: async () => ({ grant_type: 'client_credentials' }),
  [TOKEN_EXCHANGE]: async () => ({
    grant_type: TOKEN_EXCHANGE,
    subject_token: await agent.token(),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  }),
};

describe('the metadata', () => {
  let metadata: Json;
  beforeAll(async () => {
    metadata = (await wellKnown('oauth-authorization-server')).body;
  });
  const by = async (method: string, endpoint: unknown, form: Record<string, string>): Promise<Reply> =>
    ask(endpoint, ...(await methods[method]!(form)));
  const list = (member: string): string[] => metadata[member] as string[];

  it('names the configured URL, byte for byte', async () => {
    expect(metadata.issuer).toBe(PUBLIC_URL);
    expect((await wellKnown('openid-configuration')).body).toEqual({
      ...metadata,
      subject_types_supported: ['public'],
    });
    expect((await wellKnown('oauth-protected-resource')).body).toMatchObject({
      resource: PUBLIC_URL,
      authorization_servers: [PUBLIC_URL],
      bearer_methods_supported: ['header'],
    });
    const forged = { host: 'evil.test', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' };
    expect((await wellKnown('oauth-authorization-server', forged)).body).toEqual(metadata);
  });

  it('Every listed ability works', async () => {
    expect(metadata).toMatchObject(supported);
    for (const grant of list('grant_types_supported')) {
      for (const method of list('token_endpoint_auth_methods_supported')) {
        const reply = await by(method, metadata.token_endpoint, await grants[grant]!());
        expect([grant, method, reply.status]).toEqual([grant, method, 200]);
      }
    }
    for (const method of list('introspection_endpoint_auth_methods_supported')) {
      const reply = await by(method, metadata.introspection_endpoint, { token: await agent.token() });
      expect([method, reply.status, reply.body.active]).toEqual([method, 200, true]);
    }
    for (const method of list('revocation_endpoint_auth_methods_supported')) {
      const token = await agent.token();
      const reply = await by(method, metadata.revocation_endpoint, { token });
      expect([method, reply.status]).toEqual([method, 200]);
      const after = await call(api, '/agents', { headers: { authorization: `Bearer ${token}` } });
      expect([method, after.status]).toEqual([method, 401]);
    }
    const signers: Record<string, TestKey> = {};
    for (const endpoint of ['token', 'introspection', 'revocation']) {
      for (const algorithm of list(`${endpoint}_endpoint_auth_signing_alg_values_supported`)) {
        const signer = (signers[algorithm] ??= await addKey(
          member,
          agent.agentId,
          algorithm as TestKey['algorithm'],
        ));
        const form = { grant_type: 'client_credentials', token: 'none' };
        const reply = await ask(metadata[`${endpoint}_endpoint`], byKey(form, signer));
        expect([endpoint, algorithm, reply.status]).toEqual([endpoint, algorithm, 200]);
      }
    }
    const everything = await registerAgent(api, member, list('scopes_supported'));
    for (const scope of list('scopes_supported')) {
      expect((await everything.requestToken({ scope })).body.scope).toBe(scope);
    }
    const keys = createRemoteJWKSet(new URL(String(metadata.jwks_uri).replace(PUBLIC_URL, api.url)));
    const options = { issuer: PUBLIC_URL, audience: PUBLIC_URL, typ: 'at+jwt', algorithms: ['ES256'] };
    await expect(jwtVerify(await agent.token(), keys, options)).resolves.toBeDefined();
  });

  it('lists nothing that was not tried', () => {
    const endpoints = Object.keys(metadata).filter((name) => /_(endpoint|uri)$/.test(name));
    expect(endpoints.sort()).toEqual([
      'authorization_endpoint',
      'introspection_endpoint',
      'jwks_uri',
      'revocation_endpoint',
      'token_endpoint',
    ]);
  });

  it.each(documents)('Empty lists are left out (RFC 8414 section 3.2): %s', async (name) => {
    const { body } = await wellKnown(name);
    const empty = Object.entries(body).filter(([, value]) => Array.isArray(value) && value.length === 0);
    expect(empty).toEqual([]);
    expect(Object.values(body)).not.toContain(null);
  });

  it.each([
    '',
    '?response_type=code&client_id=x&redirect_uri=https%3A%2F%2Fclient.example%2F&state=y',
    '?response_type=token',
    '?response_type=',
    '?response_type=code&response_type=token',
  ])(
    'The authorization endpoint says that no browser is needed (RFC 6749 section 4.1.2.1): %s',
    async (query) => {
      const path = String(metadata.authorization_endpoint).slice(PUBLIC_URL.length);
      const reply = await call(api, `${path}${query}`, { redirect: 'manual' });
      expect([reply.status, reply.body.error]).toEqual([400, 'unsupported_response_type']);
      expect(reply.body.error_description).toContain('grant_type=client_credentials');
      expect([reply.headers.get('location'), reply.headers.get('www-authenticate')]).toEqual([null, null]);
      expect(reply.headers.get('cache-control')).toBe('no-store');
    },
  );

  it('The response type none grants nothing', async () => {
    expect(metadata.response_types_supported).toEqual(['none']);
    const redirect = 'redirect_uri=https%3A%2F%2Fclient.example%2F';
    const path = `/oauth2/authorize?response_type=none&client_id=${agent.clientId}&${redirect}`;
    const reply = await call(api, path, { redirect: 'manual' });
    expect([reply.status, reply.body.error]).toEqual([400, 'access_denied']);
    expect(reply.body.error_description).toContain('grant_type=client_credentials');
    expect(reply.headers.get('location')).toBeNull();
  });
});

describe('a public document', () => {
  it.each(documents)('Public documents can be kept and read by every website: %s', async (name) => {
    const first = await wellKnown(name, { origin: 'https://anything.example' });
    expect(first.status).toBe(200);
    expect(first.headers.get('content-type')).toMatch(/^application\/json/);
    expect(first.headers.get('access-control-allow-origin')).toBe('*');
    expect(first.headers.get('access-control-allow-credentials')).toBeNull();
    expect(first.headers.get('cache-control')).toBe('public, max-age=300');
    const etag = first.headers.get('etag')!;
    for (const tagged of [etag, `"x", W/${etag}`, '*']) {
      const again = await wellKnown(name, { 'if-none-match': tagged });
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
    }
    expect((await wellKnown(name, { 'if-none-match': '"x"' })).status).toBe(200);
    expect((await call(api, `/.well-known/${name}`, { method: 'HEAD' })).headers.get('etag')).toBe(etag);
    const preflight = await call(api, `/.well-known/${name}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://anything.example', 'access-control-request-method': 'GET' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('is the only thing that every website may read', async () => {
    const reply = await call(api, '/agents', { headers: { origin: 'https://anything.example' } });
    expect(reply.headers.get('access-control-allow-origin')).not.toBe('*');
  });

  it('The key set shows public halves alone', async () => {
    const { keys } = (await wellKnown('jwks.json')).body as { keys: Json[] };
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
      expect(key).toMatchObject({ alg: 'ES256', crv: 'P-256', kty: 'EC', use: 'sig' });
    }
  });
});

describe('WWW-Authenticate', () => {
  const named = `resource_metadata="${PUBLIC_URL}/.well-known/oauth-protected-resource"`;
  const bearer = async (token: string) => call(api, '/agents', { headers: { authorization: token } });
  const challenges: [string, () => Promise<Reply>][] = [
    ['no token', () => call(api, '/agents')],
    ['a wrong token', () => bearer('Bearer nothing')],
    ['another scheme', () => bearer('Basic nothing')],
    [
      'a missing scope',
      async () => post(api, '/agents', { name: 'x' }, { authorization: `Bearer ${await agent.token()}` }),
    ],
    [
      'no client',
      () =>
        call(api, '/oauth2/token', {
          method: 'POST',
          body: new URLSearchParams({ grant_type: 'client_credentials' }),
        }),
    ],
    [
      'no client to revoke',
      () => call(api, '/oauth2/revoke', { method: 'POST', body: new URLSearchParams({ token: 'x' }) }),
    ],
    [
      'a wrong token to introspect by',
      () =>
        call(api, '/oauth2/introspect', {
          method: 'POST',
          headers: { authorization: 'Bearer x' },
          body: new URLSearchParams({ token: 'x' }),
        }),
    ],
  ];
  it.each(challenges)('A refusal says where to get a token: %s', async (_what, make) => {
    const reply = await make();
    expect([401, 403]).toContain(reply.status);
    expect(reply.headers.get('www-authenticate')).toMatch(/^(Basic|Bearer) realm="sentryagent"/);
    expect(reply.headers.get('www-authenticate')!.endsWith(`, ${named}`)).toBe(true);
  });
});
