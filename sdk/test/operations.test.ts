import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ApiError, createClient } from '../src/client.ts';
import type { Client } from '../src/client.ts';

interface Sent {
  method: string;
  path: string;
  body: string;
}

/** What a call of the client sends. */
const sentBy = async (call: (client: Client) => Promise<unknown>): Promise<Sent> => {
  let sent: Sent | undefined;
  const fetch = async (url: unknown, init: RequestInit = {}) => {
    sent = {
      method: init.method ?? '',
      path: String(url).slice('http://api.test'.length),
      body: String(init.body ?? ''),
    };
    return Response.json({});
  };
  await call(createClient({ baseUrl: 'http://api.test', fetch: fetch as typeof globalThis.fetch }));
  return sent!;
};

const email = 'ada@example.com';
const password = 'correct horse battery';
const client = { clientId: 'agt_1', clientSecret: 'secret' };

const calls: [name: string, call: (client: Client) => Promise<unknown>, method: string, path: string][] = [
  ['agents.register', (c) => c.agents.register({ name: 'a' }), 'POST', '/agents'],
  ['agents.list', (c) => c.agents.list(), 'GET', '/agents'],
  ['agents.get', (c) => c.agents.get('agt_1'), 'GET', '/agents/agt_1'],
  ['agents.update', (c) => c.agents.update('agt_1', { name: 'b' }), 'PATCH', '/agents/agt_1'],
  ['agents.suspend', (c) => c.agents.suspend('agt_1'), 'POST', '/agents/agt_1/suspend'],
  ['agents.reactivate', (c) => c.agents.reactivate('agt_1'), 'POST', '/agents/agt_1/reactivate'],
  ['agents.decommission', (c) => c.agents.decommission('agt_1'), 'DELETE', '/agents/agt_1'],
  ['agents.createCredential', (c) => c.agents.createCredential('agt_1'), 'POST', '/agents/agt_1/credentials'],
  [
    'agents.addKey',
    (c) => c.agents.addKey('agt_1', { publicKey: { kty: 'EC' } } as never),
    'POST',
    '/agents/agt_1/keys',
  ],
  ['credentials.list', (c) => c.credentials.list('agt_1'), 'GET', '/agents/agt_1/credentials'],
  [
    'credentials.rotate',
    (c) => c.credentials.rotate('agt_1', 'crd_1'),
    'POST',
    '/agents/agt_1/credentials/crd_1/rotate',
  ],
  [
    'credentials.endOverlap',
    (c) => c.credentials.endOverlap('agt_1', 'crd_1'),
    'DELETE',
    '/agents/agt_1/credentials/crd_1/previous',
  ],
  [
    'credentials.revoke',
    (c) => c.credentials.revoke('agt_1', 'crd_1'),
    'DELETE',
    '/agents/agt_1/credentials/crd_1',
  ],
  [
    'resources.create',
    (c) => c.resources.create({ identifier: 'https://crm.example', scopes: ['read'] }),
    'POST',
    '/resources',
  ],
  ['resources.list', (c) => c.resources.list(), 'GET', '/resources'],
  ['resources.delete', (c) => c.resources.delete('res_1'), 'DELETE', '/resources/res_1'],
  ['auth.signUp', (c) => c.auth.signUp({ email, password }), 'POST', '/auth/sign-up'],
  ['auth.signIn', (c) => c.auth.signIn({ email, password }), 'POST', '/auth/sign-in'],
  ['auth.signOut', (c) => c.auth.signOut(), 'POST', '/auth/sign-out'],
  ['auth.session', (c) => c.auth.session(), 'GET', '/auth/session'],
  ['auth.requestVerification', (c) => c.auth.requestVerification(), 'POST', '/auth/verification'],
  ['auth.confirmEmail', (c) => c.auth.confirmEmail({ token: 't' }), 'POST', '/auth/verification/confirm'],
  ['billing.usage', (c) => c.billing.usage(), 'GET', '/billing/usage'],
  ['billing.startCheckout', (c) => c.billing.startCheckout(), 'POST', '/billing/checkout'],
  ['billing.checkout', (c) => c.billing.checkout('chk_1'), 'GET', '/billing/checkouts/chk_1'],
  ['billing.tiers', (c) => c.billing.tiers(), 'GET', '/billing/tiers'],
  ['tokens.issue', (c) => c.tokens.issue(client), 'POST', '/oauth2/token'],
  ['tokens.exchange', (c) => c.tokens.exchange(client, 't'), 'POST', '/oauth2/token'],
  ['tokens.introspect', (c) => c.tokens.introspect('t', client), 'POST', '/oauth2/introspect'],
  ['tokens.revoke', (c) => c.tokens.revoke('t', client), 'POST', '/oauth2/revoke'],
  ['health', (c) => c.health(), 'GET', '/health'],
];

it.each(calls)('%s calls its operation', async (_name, call, method, path) => {
  expect(await sentBy(call)).toMatchObject({ method, path });
});

it('every call is an operation of the API', () => {
  const { paths } = JSON.parse(readFileSync(new URL('../../api/openapi.json', import.meta.url), 'utf8')) as {
    paths: Record<string, object>;
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    })),
  );
  const unknown = calls.filter(
    ([, , method, path]) => !operations.some((each) => each.method === method && each.path.test(path)),
  );
  expect(unknown.map(([name]) => name)).toEqual([]);
});

it('an error has words even if the API gave none, and keeps its cause', () => {
  const cause = new Error('socket closed');
  const error = new ApiError(502, {}, null, cause);
  expect(error).toMatchObject({ name: 'ApiError', code: 'unknown_error', cause });
  expect(error.message).toBe('unknown_error: The API gave no reason.');
  expect(new ApiError(409, { code: 'key_taken', detail: 'Taken.' } as never).message).toBe(
    'key_taken: Taken.',
  );
});
