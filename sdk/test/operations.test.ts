import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ApiError, createClient } from '../src/client.ts';
import type { Client } from '../src/client.ts';

interface Sent {
  method: string;
  path: string;
  body: string;
  type: string | undefined;
}

/** What a call of the client sends. */
const sentBy = async (call: (client: Client) => Promise<unknown>): Promise<Sent> => {
  let sent: Sent | undefined;
  const fetch = async (url: unknown, init: RequestInit = {}) => {
    sent = {
      method: init.method ?? '',
      path: String(url).slice('http://api.test'.length),
      body: String(init.body ?? ''),
      type: (init.headers as Record<string, string>)['content-type'],
    };
    return Response.json({});
  };
  await call(createClient({ baseUrl: 'http://api.test', fetch: fetch as typeof globalThis.fetch }));
  return sent!;
};

const email = 'ada@example.com';
const password = 'correct horse battery';
const client = { clientId: 'agt_1', clientSecret: 'secret' };

const EXCHANGE =
  'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=t' +
  '&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token';
/** What each call sends in its body, if it sends one. */
const bodies: Record<string, string> = {
  'agents.register': '{"name":"a"}',
  'agents.update': '{"name":"b"}',
  'agents.createCredential': '{}',
  'agents.addKey': '{"publicKey":{"kty":"EC"}}',
  'credentials.rotate': '{}',
  'resources.create': '{"identifier":"https://crm.example","scopes":["read"]}',
  'auth.signUp': `{"email":"${email}","password":"${password}"}`,
  'auth.signIn': `{"email":"${email}","password":"${password}"}`,
  'auth.confirmEmail': '{"token":"t"}',
  'twoFactor.start': `{"password":"${password}"}`,
  'twoFactor.confirm': '{"code":"123456"}',
  'twoFactor.verify': '{"code":"123456"}',
  'twoFactor.turnOff': `{"password":"${password}","recoveryCode":"r"}`,
  'twoFactor.renewRecoveryCodes': `{"password":"${password}","code":"123456"}`,
  'auth.requestPasswordReset': `{"email":"${email}"}`,
  'auth.resetPassword': `{"token":"t","password":"${password}"}`,
  'auth.changePassword': `{"currentPassword":"old password","newPassword":"${password}"}`,
  'auth.requestEmailChange': `{"email":"${email}","password":"${password}"}`,
  'auth.confirmEmailChange': '{"token":"t"}',
  'tenant.update': '{"name":"Acme"}',
  'billing.startCheckout': '{}',
  'billing.cancel': '{}',
  'billing.resume': '{}',
  'billing.openPortal': '{"returnTo":"/billing"}',
  'tokens.issue': 'grant_type=client_credentials',
  'tokens.exchange': EXCHANGE,
  'tokens.introspect': 'token=t',
  'tokens.revoke': 'token=t',
};

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
  ['sessions.list', (c) => c.sessions.list(), 'GET', '/auth/sessions'],
  ['sessions.end', (c) => c.sessions.end('ses_1'), 'DELETE', '/auth/sessions/ses_1'],
  ['sessions.endOthers', (c) => c.sessions.endOthers(), 'POST', '/auth/sessions/end-others'],
  ['twoFactor.get', (c) => c.twoFactor.get(), 'GET', '/auth/two-factor'],
  ['twoFactor.start', (c) => c.twoFactor.start({ password }), 'POST', '/auth/two-factor/enrolment'],
  [
    'twoFactor.confirm',
    (c) => c.twoFactor.confirm({ code: '123456' }),
    'POST',
    '/auth/two-factor/enrolment/confirm',
  ],
  ['twoFactor.verify', (c) => c.twoFactor.verify({ code: '123456' }), 'POST', '/auth/two-factor/verify'],
  [
    'twoFactor.turnOff',
    (c) => c.twoFactor.turnOff({ password, recoveryCode: 'r' }),
    'POST',
    '/auth/two-factor/turn-off',
  ],
  [
    'twoFactor.renewRecoveryCodes',
    (c) => c.twoFactor.renewRecoveryCodes({ password, code: '123456' }),
    'POST',
    '/auth/two-factor/recovery-codes',
  ],
  [
    'auth.requestPasswordReset',
    (c) => c.auth.requestPasswordReset({ email }),
    'POST',
    '/auth/password/forgot',
  ],
  [
    'auth.resetPassword',
    (c) => c.auth.resetPassword({ token: 't', password }),
    'POST',
    '/auth/password/reset',
  ],
  [
    'auth.changePassword',
    (c) => c.auth.changePassword({ currentPassword: 'old password', newPassword: password }),
    'POST',
    '/auth/password/change',
  ],
  [
    'auth.requestEmailChange',
    (c) => c.auth.requestEmailChange({ email, password }),
    'POST',
    '/auth/email/change',
  ],
  [
    'auth.confirmEmailChange',
    (c) => c.auth.confirmEmailChange({ token: 't' }),
    'POST',
    '/auth/email/change/confirm',
  ],
  ['tenant.get', (c) => c.tenant.get(), 'GET', '/tenant'],
  ['tenant.update', (c) => c.tenant.update({ name: 'Acme' }), 'PATCH', '/tenant'],
  ['billing.usage', (c) => c.billing.usage(), 'GET', '/billing/usage'],
  ['billing.usageHistory', (c) => c.billing.usageHistory(), 'GET', '/billing/usage?groupBy=day'],
  [
    'billing.usageHistoryCsv',
    (c) => c.billing.usageHistoryCsv({ groupBy: 'day,agent', from: '2027-01-01' }),
    'GET',
    '/billing/usage?groupBy=day%2Cagent&from=2027-01-01',
  ],
  ['billing.subscription', (c) => c.billing.subscription(), 'GET', '/billing/subscription'],
  ['billing.cancel', (c) => c.billing.cancel(), 'POST', '/billing/subscription/cancel'],
  ['billing.resume', (c) => c.billing.resume(), 'POST', '/billing/subscription/resume'],
  ['billing.openPortal', (c) => c.billing.openPortal({ returnTo: '/billing' }), 'POST', '/billing/portal'],
  ['billing.invoices', (c) => c.billing.invoices({ limit: 5 }), 'GET', '/billing/invoices?limit=5'],
  ['billing.startCheckout', (c) => c.billing.startCheckout(), 'POST', '/billing/checkout'],
  ['billing.checkout', (c) => c.billing.checkout('chk_1'), 'GET', '/billing/checkouts/chk_1'],
  ['billing.tiers', (c) => c.billing.tiers(), 'GET', '/billing/tiers'],
  ['tokens.issue', (c) => c.tokens.issue(client), 'POST', '/oauth2/token'],
  ['tokens.exchange', (c) => c.tokens.exchange(client, 't'), 'POST', '/oauth2/token'],
  ['tokens.introspect', (c) => c.tokens.introspect('t', client), 'POST', '/oauth2/introspect'],
  ['tokens.revoke', (c) => c.tokens.revoke('t', client), 'POST', '/oauth2/revoke'],
  ['health', (c) => c.health(), 'GET', '/health'],
  ['detailedHealth', (c) => c.detailedHealth(), 'GET', '/health/detailed'],
];

it.each(calls)('%s calls its operation', async (name, call, method, path) => {
  const body = bodies[name] ?? '';
  const form = name.startsWith('tokens.') ? 'application/x-www-form-urlencoded' : 'application/json';
  expect(await sentBy(call)).toEqual({ method, path, body, type: body === '' ? undefined : form });
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
    ([, , method, path]) =>
      !operations.some((each) => each.method === method && each.path.test(path.split('?')[0]!)),
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

it('an error of OAuth is told in its own words, and a call asks for JSON', async () => {
  const error = new ApiError(400, { error: 'invalid_scope', error_description: 'Ask for less.' });
  expect([error.message, error.retryAfter]).toEqual(['invalid_scope: Ask for less.', null]);
  const accepted: unknown[] = [];
  const fetch = async (_url: unknown, init: RequestInit = {}) => {
    accepted.push((init.headers as Record<string, string>).accept);
    return new Response('', { status: 500, headers: { 'retry-after': 'tomorrow' } });
  };
  const api = createClient({ baseUrl: 'http://api.test', fetch: fetch as typeof globalThis.fetch });
  await expect(api.health()).rejects.toMatchObject({ status: 500, code: 'unknown_error', retryAfter: null });
  expect(accepted).toEqual(['application/json']);
});

it('CSV is asked for as such and returned as text, and a refusal stays an error', async () => {
  const accepted: unknown[] = [];
  const answers = [
    new Response('day\r\n'),
    Response.json({ code: 'forbidden', detail: 'No.' }, { status: 403 }),
  ];
  const fetch = async (_url: unknown, init: RequestInit = {}) => {
    accepted.push((init.headers as Record<string, string>).accept);
    return answers.shift()!;
  };
  const api = createClient({ baseUrl: 'http://api.test', fetch: fetch as typeof globalThis.fetch });
  expect(await api.billing.usageHistoryCsv()).toBe('day\r\n');
  await expect(api.billing.usageHistoryCsv()).rejects.toMatchObject({ status: 403, code: 'forbidden' });
  expect(accepted).toEqual(['text/csv', 'text/csv']);
});

it('a call that got no answer of the API says what to check, and why', async () => {
  const failing = (answer: () => Promise<Response>) =>
    createClient({ baseUrl: 'http://api.test', fetch: answer as typeof globalThis.fetch }).health();
  const lost = new TypeError('fetch failed');
  await expect(failing(() => Promise.reject(lost))).rejects.toMatchObject({
    ...{ status: 0, code: 'network_error', retryAfter: null, cause: lost },
    detail: 'The API could not be reached. Check the URL of the API and try again.',
  });
  await expect(failing(async () => new Response('<html>', { status: 502 }))).rejects.toMatchObject({
    ...{ status: 502, code: 'unexpected_answer', retryAfter: null, cause: expect.any(SyntaxError) },
    detail: 'The response did not come from the API. Check the URL of the API.',
  });
});
