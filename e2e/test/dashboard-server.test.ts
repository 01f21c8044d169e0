import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signUpByHttp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Dashboard, Stack } from './support/stack.ts';

const PASSWORD = 'correct horse battery';
const newEmail = (): string => `${randomBytes(6).toString('hex')}@example.com`;

let stack: Stack;
/** Behind one proxy, which names the visitor. */
let proxied: Dashboard;
beforeAll(async () => {
  stack = await startStack();
  proxied = await stack.startDashboard({ ADDRESS_HEADER: 'X-Forwarded-For' });
});
afterAll(async () => {
  await proxied.stop();
  await stack.close();
});

/** A request as a browser on the dashboard’s pages sends it; redirects are answers. */
const send = (path: string, init: RequestInit = {}, url = stack.dashboardUrl, origin = stack.dashboardUrl) =>
  fetch(`${url}${path}`, {
    redirect: 'manual',
    ...init,
    headers: { origin, accept: 'text/html', ...init.headers },
  });

const sendForm = (
  path: string,
  fields: Record<string, string>,
  { headers = {}, url, origin }: { headers?: Record<string, string>; url?: string; origin?: string } = {},
) => send(path, { method: 'POST', body: new URLSearchParams(fields), headers }, url, origin);

describe('Cookies that a form sets have their flags', () => {
  const session = /^sentryagent=[^;]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/;
  const device = /^sentryagent-device=[^;]+; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Lax$/;
  const both = (plain: RegExp): RegExp =>
    new RegExp(plain.source.replace('^', '^__Host-').replace('HttpOnly; ', 'HttpOnly; Secure; '));

  it('on http', async () => {
    const person = { email: newEmail(), password: PASSWORD };
    for (const path of ['/sign-up', '/sign-in']) {
      const answer = await sendForm(path, person);
      expect([path, answer.status]).toEqual([path, 303]);
      expect(answer.headers.getSetCookie()).toEqual([
        expect.stringMatching(session),
        expect.stringMatching(device),
      ]);
    }
  });

  it('on https', async () => {
    const origin = 'https://app.sentryagent.test';
    const secure = await startStack({ DASHBOARD_URL: origin }, { ORIGIN: origin });
    const person = { email: newEmail(), password: PASSWORD };
    for (const path of ['/sign-up', '/sign-in']) {
      const answer = await sendForm(path, person, { url: secure.dashboardUrl, origin });
      expect([path, answer.status]).toEqual([path, 303]);
      expect(answer.headers.getSetCookie()).toEqual([
        expect.stringMatching(both(session)),
        expect.stringMatching(both(device)),
      ]);
    }
    await secure.close();
  });
});

describe('A password is never echoed', () => {
  const password = 'a password of which nothing returns';

  it.each([
    ['/sign-in', 401, { email: newEmail() }],
    ['/sign-in', 400, { email: 'no-address' }],
    ['/sign-up', 400, { email: 'no-address' }],
  ])('by %s with %i', async (path, status, typed) => {
    for (const accept of ['text/html', 'application/json']) {
      const answer = await sendForm(path, { ...typed, password }, { headers: { accept } });
      const text = await answer.text();
      expect(answer.status).toBe(status);
      expect(text).toContain(typed.email);
      expect(text).not.toContain(password);
    }
  });
});

describe('The visitor’s address reaches the API', () => {
  const signUp = (address: string | undefined, json = false) => {
    const person = { email: newEmail(), password: PASSWORD };
    const headers: Record<string, string> = address === undefined ? {} : { 'x-forwarded-for': address };
    if (!json) return sendForm('/sign-up', person, { headers, url: proxied.url });
    const init = { method: 'POST', body: JSON.stringify(person) };
    return send(
      '/auth/sign-up',
      { ...init, headers: { ...headers, 'content-type': 'application/json' } },
      proxied.url,
    );
  };

  it('so that limits count visitors, not the dashboard', async () => {
    for (let i = 0; i < 5; i++) {
      const { status } = await signUp(`192.0.2.66, 198.51.100.1`, i % 2 === 1);
      expect(status).toBe(i % 2 === 1 ? 200 : 303);
    }
    for (const json of [false, true]) {
      expect((await signUp('203.0.113.9, 198.51.100.1', json)).status).toBe(429);
      expect((await signUp(`198.51.100.${json ? 2 : 3}`, json)).status).toBe(json ? 200 : 303);
    }
  });

  it.each([
    ['missing', undefined],
    ['no address', 'unknown'],
    ['empty', ''],
  ])('and a header that is %s counts for the connection’s own', async (_what, address) => {
    for (const path of ['/', '/sign-in']) {
      const headers = {
        cookie: 'sentryagent=x.y',
        ...(address !== undefined && { 'x-forwarded-for': address }),
      };
      expect((await send(path, { headers }, proxied.url)).status).toBe(200);
    }
    expect([303, 429]).toContain((await signUp(address)).status);
    expect(proxied.errors()).toBe('');
  });

  it('and one that is a hop too short as well', async () => {
    const deeper = await stack.startDashboard({ ADDRESS_HEADER: 'X-Forwarded-For', XFF_DEPTH: '2' });
    const headers = { cookie: 'sentryagent=x.y', 'x-forwarded-for': '198.51.100.7' };
    expect((await send('/', { headers }, deeper.url)).status).toBe(200);
    const person = { email: newEmail(), password: PASSWORD };
    expect((await sendForm('/sign-in', person, { headers, url: deeper.url })).status).toBe(401);
    expect(deeper.errors()).toBe('');
    await deeper.stop();
  });
});

it('Pages of the console are kept nowhere', async () => {
  const cookie = (await signUpByHttp(stack)).cookie;
  const cacheOf = async (path: string, headers: Record<string, string>) =>
    (await send(path, { headers })).headers.get('cache-control');
  for (const path of ['/usage', '/agents', '/onboarding', '/usage/now', '/agents/__data.json']) {
    expect([path, await cacheOf(path, { cookie })]).toEqual([path, 'no-store']);
    expect([path, await cacheOf(path, {})]).toEqual([path, 'no-store']);
  }
  expect(await cacheOf('/pricing', { cookie })).toBe('private, no-cache');
});

it('Pages are compressed, but no secret is', async () => {
  const person = await signUpByHttp(stack);
  const { agentId } = await person.api.agents.register({ name: 'invoice-reader' });
  const { cookie } = person;
  const encodingOf = async (path: string, accepted: string, method = 'GET') => {
    const answer = await send(path, {
      method,
      headers: { cookie, 'accept-encoding': accepted },
      ...(method === 'POST' && { body: new URLSearchParams({ name: 'extra' }) }),
    });
    const text = await answer.text();
    const { headers, status } = answer;
    return { status, encoding: headers.get('content-encoding'), vary: headers.get('vary') ?? '', text };
  };
  for (const path of ['/pricing', '/usage', '/agents/__data.json']) {
    const [packed, plain] = [await encodingOf(path, 'br, gzip'), await encodingOf(path, 'identity')];
    expect([packed.status, packed.encoding, plain.encoding]).toEqual([200, 'gzip', null]);
    expect(packed.vary).toContain('accept-encoding');
    expect(packed.text.slice(0, 15)).toBe(plain.text.slice(0, 15));
  }
  const answer = await encodingOf(`/agents/${agentId}/secret?/create`, 'gzip', 'POST');
  expect([answer.status, answer.encoding]).toEqual([200, null]);
  expect(answer.text).toMatch(/sa_[0-9a-z]{26}_/);
});

describe('A renewed session’s cookie reaches the browser', () => {
  const renewed = /^sentryagent=[^;]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/;

  it.each([
    ['a page of the console', '/agents', undefined],
    ['a page with a script’s answer in it', '/usage', undefined],
    ['a page of everyone', '/pricing', undefined],
    ['the data of a page', '/agents/__data.json', undefined],
    ['a script', '/usage/now', undefined],
    ['the proxy', '/auth/session', undefined],
    ['a form', '/onboarding?/register', { name: 'renews', scopes: 'agents:read' }],
  ])('by %s', async (_what, path, form) => {
    const person = await signUpByHttp(stack);
    await stack.sql(
      `update sessions s set created_at = s.created_at - interval '48 hours', expires_at = expires_at - interval '48 hours'
       from users u where u.id = s.user_id and u.email = $1`,
      [person.email],
    );
    const headers = { cookie: person.cookie };
    const answer = form ? await sendForm(path, form, { headers }) : await send(path, { headers });
    expect([path, answer.status]).toEqual([path, 200]);
    const cookies = answer.headers.getSetCookie();
    expect(cookies).toEqual([expect.stringMatching(renewed)]);
    expect(cookies[0]!.split(';')[0]).toBe(person.cookie);
  });
});

it('A Usage page takes two requests to the API', async () => {
  const person = await signUpByHttp(stack);
  const asked: string[] = [];
  const api = createServer(async (request, response) => {
    asked.push(request.url!);
    const { cookie = '' } = request.headers;
    const answer = await fetch(stack.apiUrl + request.url!, { headers: { cookie } });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const { port } = api.address() as AddressInfo;
  const dashboard = await stack.startDashboard({ API_URL: `http://127.0.0.1:${port}` });
  const page = await fetch(`${dashboard.url}/usage?range=7d`, { headers: { cookie: person.cookie } });
  expect([page.status, asked.toSorted()]).toEqual([200, ['/auth/session', '/billing/usage/report?range=7d']]);
  expect(await page.text()).toContain('API calls of 1,000 today');
  await dashboard.stop();
  api.close();
});

describe('A malformed form is answered clearly', () => {
  const type = (text: string) => ({ 'content-type': text });
  const urlencoded = type('application/x-www-form-urlencoded');
  const withFile = (name: string): FormData => {
    const form = new FormData();
    form.set('email', 'ada@example.com');
    form.set('password', PASSWORD);
    form.set(name, new Blob(['a file']), 'file.txt');
    return form;
  };
  const forms: [what: string, status: number, init: RequestInit][] = [
    ['JSON', 415, { body: '{"email":"a"}', headers: type('application/json') }],
    ['text', 415, { body: 'email=a', headers: type('text/plain') }],
    ['a body without a type', 415, { body: new Blob(['email=a']) }],
    ['a multipart without a boundary', 400, { body: 'email=a', headers: type('multipart/form-data') }],
    [
      'a multipart that is none',
      400,
      { body: '--x\r\nnonsense', headers: type('multipart/form-data; boundary=x') },
    ],
    [
      'a multipart that is cut off',
      400,
      {
        body: '--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nada',
        headers: type('multipart/form-data; boundary=x'),
      },
    ],
    [
      'a repeated field',
      400,
      { body: 'email=a%40b.de&email=c%40d.de&password=long-enough', headers: urlencoded },
    ],
    ['a file for the address', 400, { body: withFile('email') }],
    ['a file for the password', 400, { body: withFile('password') }],
    ['nothing at all', 400, { headers: urlencoded }],
    ['bytes that are no text', 400, { body: new Uint8Array([0xff, 0xfe, 0x3d, 0xff]), headers: urlencoded }],
    ['100 KiB', 413, { body: `email=${'a'.repeat(100 * 1024)}`, headers: urlencoded }],
    ['1 MiB', 413, { body: `email=${'a'.repeat(1024 * 1024)}`, headers: urlencoded }],
  ];

  it.each(forms)('%s with %i', async (what, status, init) => {
    const cookie = (await signUpByHttp(stack)).cookie;
    const before = stack.dashboardErrors();
    for (const path of ['/sign-in', '/sign-up', '/onboarding?/register', '/onboarding?/complete']) {
      const console = path.startsWith('/onboarding');
      // These two have no field of those names: for them such a form is one without a name.
      if (console && /repeated|file for|at all|no text/.test(what)) continue;
      const headers = {
        accept: 'text/html',
        ...(init.headers as Record<string, string>),
        cookie: console ? cookie : '',
      };
      const answer = await send(path, { ...init, method: 'POST', headers });
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    expect(stack.dashboardErrors()).toBe(before);
  });

  it('A secret for an agent that is not there is refused for good', async () => {
    const { cookie } = await signUpByHttp(stack);
    for (const agentId of ['agt_00000000000000000000000000', 'x', '']) {
      const body = new URLSearchParams({ agentId, name: 'x', scopes: 'agents:read' });
      const headers = { accept: 'text/html', origin: stack.dashboardUrl, cookie };
      const answer = await send('/onboarding?/complete', { method: 'POST', headers, body });
      expect([agentId, answer.status]).toEqual([agentId, 404]);
      expect(await answer.text()).not.toContain('is registered');
    }
  });

  it('by the way to the API as well', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const size of [100, 1024]) {
      const answer = await send('/auth/sign-in', { method: 'POST', headers, body: 'a'.repeat(size * 1024) });
      expect([size, answer.status]).toEqual([size, 413]);
      expect(await answer.json()).toMatchObject({ code: 'content_too_large' });
    }
    expect(stack.dashboardErrors()).toBe('');
  });
});
