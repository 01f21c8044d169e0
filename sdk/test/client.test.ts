import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiError, createClient } from '../src/client.ts';
import type { Client } from '../src/client.ts';

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

let close = (): void => {};
afterEach(() => close());

/** A server that answers every request alike and remembers the last. */
const serve = async (
  answer: (response: ServerResponse) => void,
): Promise<{ baseUrl: string; seen: () => Seen }> => {
  let last: Seen | undefined;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      last = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen: () => last! };
};

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

const failure = async (work: Promise<unknown>): Promise<ApiError> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

describe('a call', () => {
  it('sends JSON and the client’s headers, and answers the parsed body', async () => {
    const { baseUrl, seen } = await serve(json(201, { agentId: 'agt_1' }));
    const api = createClient({ baseUrl: `${baseUrl}/`, headers: { authorization: 'Bearer t' } });
    expect(await api.agents.register({ name: 'a' })).toEqual({ agentId: 'agt_1' });
    expect(seen()).toMatchObject({
      method: 'POST',
      url: '/agents',
      body: '{"name":"a"}',
      headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
    });
  });

  it('sends only the query parameters that are given, and encodes ids', async () => {
    const { baseUrl, seen } = await serve(json(200, { data: [], nextCursor: null }));
    const api = createClient({ baseUrl });
    await api.agents.list({ limit: 5, cursor: undefined });
    expect(seen().url).toBe('/agents?limit=5');
    await api.agents.list({ status: ['active', 'suspended'] });
    expect(seen().url).toBe('/agents?status=active&status=suspended');
    await api.agents.list();
    expect(seen().url).toBe('/agents');
    await api.agents.get('../x?y');
    expect(seen().url).toBe('/agents/..%2Fx%3Fy');
  });

  it.each<[string, (api: Client) => Promise<unknown>, string, string, string]>([
    ['update', (api) => api.agents.update('agt_1', { version: '2.0.0' }), 'PATCH', '', '{"version":"2.0.0"}'],
    ['suspend', (api) => api.agents.suspend('agt_1'), 'POST', '/suspend', ''],
    ['reactivate', (api) => api.agents.reactivate('agt_1'), 'POST', '/reactivate', ''],
    ['decommission', (api) => api.agents.decommission('agt_1'), 'DELETE', '', ''],
    ['createCredential', (api) => api.agents.createCredential('agt_1'), 'POST', '/credentials', '{}'],
    ['list', (api) => api.credentials.list('agt_1', { limit: 5 }), 'GET', '/credentials?limit=5', ''],
    [
      'rotate',
      (api) => api.credentials.rotate('agt_1', 'crd_/1', { overlapSeconds: 60 }),
      'POST',
      '/credentials/crd_%2F1/rotate',
      '{"overlapSeconds":60}',
    ],
    [
      'endOverlap',
      (api) => api.credentials.endOverlap('agt_1', 'crd_1'),
      'DELETE',
      '/credentials/crd_1/previous',
      '',
    ],
    ['revoke', (api) => api.credentials.revoke('agt_1', 'crd_1'), 'DELETE', '/credentials/crd_1', ''],
  ])('of the registry goes to its route: %s', async (_name, ask, method, path, body) => {
    const { baseUrl, seen } = await serve(json(200, {}));
    await ask(createClient({ baseUrl }));
    expect(seen()).toMatchObject({ method, url: `/agents/agt_1${path}`, body });
    expect(seen().headers['if-match']).toBeUndefined();
  });

  it.each(['..', '.', ''])('An id of dots reaches no other path: "%s"', async (id) => {
    const { baseUrl, seen } = await serve(json(404, { code: 'not_found' }));
    const { agents, credentials, resources, sessions, billing } = createClient({ baseUrl });
    const calls: [() => Promise<unknown>, string][] = [
      [() => credentials.revoke('agt_1', id), '/agents/agt_1/credentials/-'],
      [() => credentials.endOverlap('agt_1', id), '/agents/agt_1/credentials/-/previous'],
      [() => agents.get(id), '/agents/-'],
      [() => resources.delete(id), '/resources/-'],
      [() => sessions.end(id), '/auth/sessions/-'],
      [() => billing.checkout(id), '/billing/checkouts/-'],
    ];
    for (const [ask, url] of calls) {
      expect((await failure(ask())).status).toBe(404);
      expect(seen().url).toBe(url);
    }
  });

  it('sends a change with the ETag that it was made for', async () => {
    const { baseUrl, seen } = await serve(json(200, {}));
    await createClient({ baseUrl }).agents.update('agt_1', { name: 'b' }, { ifMatch: '"3"' });
    expect(seen().headers['if-match']).toBe('"3"');
  });

  it.each<[string, (client: Client, once?: { idempotencyKey: string }) => Promise<unknown>]>([
    ['a new secret', (client, once) => client.agents.createCredential('agt_1', {}, once)],
    ['a rotation', (client, once) => client.credentials.rotate('agt_1', 'crd_1', {}, once)],
  ])('sends the key of %s only if it has one', async (_what, call) => {
    const { baseUrl, seen } = await serve(json(200, {}));
    await call(createClient({ baseUrl }));
    expect(seen().headers['idempotency-key']).toBeUndefined();
    await call(createClient({ baseUrl }), { idempotencyKey: 'k1' });
    expect(seen().headers['idempotency-key']).toBe('k1');
  });

  it('authenticates a token request by form-encoded Basic', async () => {
    const { baseUrl, seen } = await serve(json(200, { access_token: 't' }));
    await createClient({ baseUrl }).tokens.issue({ clientId: 'agt_1', clientSecret: 'a b+c:d' });
    const { headers, body } = seen();
    expect(body).toBe('grant_type=client_credentials');
    const [, encoded] = headers.authorization!.split(' ');
    expect(Buffer.from(encoded!, 'base64').toString()).toBe('agt_1:a+b%2Bc%3Ad');
  });

  it('asks about a token and ends it as the client that it belongs to', async () => {
    const credentials = { clientId: 'agt_1', clientSecret: 's', scope: 'agents:read' };
    const { baseUrl, seen } = await serve(json(200, { active: false }));
    const { tokens } = createClient({ baseUrl });
    expect(await tokens.introspect('t+1', credentials)).toEqual({ active: false });
    const authorization = `Basic ${Buffer.from('agt_1:s').toString('base64')}`;
    expect(seen()).toMatchObject({
      url: '/oauth2/introspect',
      body: 'token=t%2B1',
      headers: { authorization },
    });
    await tokens.revoke('t', credentials);
    expect(seen()).toMatchObject({ url: '/oauth2/revoke', body: 'token=t', headers: { authorization } });
  });

  it('asks for a token of a resource, and exchanges one', async () => {
    const { baseUrl, seen } = await serve(json(200, { access_token: 't' }));
    const { tokens } = createClient({ baseUrl });
    const credentials = { clientId: 'agt_1', clientSecret: 's' };
    await tokens.issue({ ...credentials, resource: 'https://crm.example' });
    expect(Object.fromEntries(new URLSearchParams(seen().body))).toEqual({
      grant_type: 'client_credentials',
      resource: 'https://crm.example',
    });
    await tokens.exchange({ ...credentials, scope: 'agents:read' }, 'given');
    expect(Object.fromEntries(new URLSearchParams(seen().body))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'given',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: 'agents:read',
    });
  });

  it('adds keys, and makes, lists and deletes resources', async () => {
    const { baseUrl, seen } = await serve(json(200, {}));
    const { agents, resources } = createClient({ baseUrl });
    await agents.addKey('agt/1', { publicKey: { kty: 'EC' } });
    expect(seen()).toMatchObject({ method: 'POST', url: '/agents/agt%2F1/keys' });
    await resources.create({ identifier: 'https://crm.example', scopes: ['read'] });
    expect(seen()).toMatchObject({ method: 'POST', url: '/resources' });
    await resources.list();
    expect(seen()).toMatchObject({ method: 'GET', url: '/resources' });
    await resources.delete('res/1');
    expect(seen()).toMatchObject({ method: 'DELETE', url: '/resources/res%2F1' });
  });

  it('answers undefined for an empty body, and shows every answer to onResponse', async () => {
    const { baseUrl } = await serve((response) => response.writeHead(204, { 'set-cookie': 'a=b' }).end());
    const cookies: string[] = [];
    const api = createClient({
      baseUrl,
      onResponse: ({ headers }) => cookies.push(...headers.getSetCookie()),
    });
    expect(await api.auth.signOut()).toBeUndefined();
    expect(cookies).toEqual(['a=b']);
  });
});

describe('a failure', () => {
  it('carries the problem’s code, detail and members, and when to come back', async () => {
    const problem = { status: 429, code: 'free_tier_limit', detail: 'Upgrade.', limit: 'agents', max: 10 };
    const { baseUrl } = await serve(json(429, problem, { 'retry-after': '7' }));
    const error = await failure(createClient({ baseUrl }).billing.usage());
    expect(error).toMatchObject({
      status: 429,
      code: 'free_tier_limit',
      detail: 'Upgrade.',
      retryAfter: 7,
      problem,
    });
  });

  it('of the token endpoint carries its OAuth error', async () => {
    const { baseUrl } = await serve(json(401, { error: 'invalid_client', error_description: 'No.' }));
    const error = await failure(createClient({ baseUrl }).tokens.issue({ clientId: 'a', clientSecret: 'b' }));
    expect(error).toMatchObject({ status: 401, code: 'invalid_client', detail: 'No.', retryAfter: null });
  });

  it('to reach the API is network_error', async () => {
    const error = await failure(createClient({ baseUrl: 'http://127.0.0.1:9' }).health());
    expect(error).toMatchObject({ status: 0, code: 'network_error' });
  });

  it('to answer in time is network_error', async () => {
    const { baseUrl } = await serve(() => {});
    const error = await failure(createClient({ baseUrl, timeoutMs: 100 }).health());
    expect(error).toMatchObject({ status: 0, code: 'network_error' });
  });

  it('of something that is not the API says so', async () => {
    const { baseUrl } = await serve((response) => response.writeHead(200).end('<html>'));
    expect(await failure(createClient({ baseUrl }).health())).toMatchObject({ code: 'unexpected_answer' });
  });

  it('does not follow a redirect with its credentials', async () => {
    const { baseUrl } = await serve((response) =>
      response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end(),
    );
    expect(await failure(createClient({ baseUrl }).health())).toMatchObject({ code: 'network_error' });
  });
});
