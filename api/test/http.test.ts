import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { createApp } from '../src/http/app.ts';
import { createAttemptLimits } from '../src/http/attempt-limits.ts';
import { hasScopes, routesOf } from '../src/http/route.ts';
import type { Answer, Route } from '../src/http/route.ts';
import { createRoutes } from '../src/http/routes/routes.ts';
import { problemKinds } from '../src/platform/problem.ts';
import { DASHBOARD_URL, PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, post, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';
import { operations, send } from './support/operations.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { adminUrl, appUrl, createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { until } from '../../dev/test/support/until.ts';

const { publicRoute } = routesOf('test');

/** RFC 9110 section 11.6.1, with quoted-strings alone. */
const CHALLENGE = /^(Basic|Bearer) [\w-]+="(?:[^"\\]|\\.)*"(, [\w-]+="(?:[^"\\]|\\.)*")*$/;

const WINDOW = { RATE_LIMIT_MAX_REQUESTS: '1000000' };

let api: TestApi;
let member: TestMember;
let agent: TestAgent;
let bearer: { authorization: string };
beforeAll(async () => {
  api = await startApi({ env: WINDOW });
  member = await signUp(api);
  agent = await registerAgent(api, member, ['agents:read', 'agents:write']);
  bearer = { authorization: `Bearer ${await agent.token()}` };
});
afterAll(() => api.close());

/** RFC 9457, with our stable code and the id of the request. */
const expectProblem = (reply: Reply, status: number, code: keyof typeof problemKinds): void => {
  expect([reply.status, reply.body.code]).toEqual([status, code]);
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.body).toMatchObject({
    type: `${DASHBOARD_URL}/docs/errors/${code}`,
    title: problemKinds[code].title,
    status,
    detail: expect.stringMatching(/\S/),
    requestId: expect.stringMatching(/^req_[0-9a-z]{26}$/),
  });
  expect(reply.headers.get('x-request-id')).toBe(reply.body.requestId);
};

const sendTo = (path: string, body: RequestInit['body'], headers: Record<string, string> = {}) =>
  call(api, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: DASHBOARD_URL, ...headers },
    ...(body === undefined ? {} : { body }),
  });

describe('Wrong requests are never a 500', () => {
  it.each([
    '/',
    '/nothing',
    '/agents/',
    '/Agents',
    '/oauth2/token/',
    '/agents/a/b',
    '/%',
    '/%00',
    '/..%2fhealth',
    '//',
    '/health/x',
  ])('an unknown path is 404: %s', async (path) => {
    expectProblem(await call(api, path), 404, 'not_found');
  });

  it.each([
    ['DELETE', '/agents', 'GET, HEAD, POST'],
    ['PUT', '/agents/agt_00000000000000000000000000', 'DELETE, GET, HEAD, PATCH'],
    ['GET', '/auth/sign-in', 'POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['OPTIONS', '/health', 'GET, HEAD'],
    ['PROPFIND', '/agents', 'GET, HEAD, POST'],
  ])('a wrong method is 405 with Allow: %s %s', async (method, path, allow) => {
    const reply = await call(api, path, { method });
    expectProblem(reply, 405, 'method_not_allowed');
    expect(reply.headers.get('allow')).toBe(allow);
  });

  const json = JSON.stringify({ email: 'ada@example.com', password: 'x' });
  it.each([
    ['text', json, { 'content-type': 'text/plain' }],
    ['a form', 'email=a', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a multipart form', '--x--', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['JSON of another kind', json, { 'content-type': 'application/ld+json' }],
    ['a type that is none', json, { 'content-type': 'json' }],
    ['a compressed body', gzipSync(json), { 'content-encoding': 'gzip' }],
  ])('a wrong media type is 415: %s', async (_what, body, headers) => {
    expectProblem(await sendTo('/auth/sign-in', body, headers), 415, 'unsupported_media_type');
    expectProblem(await sendTo('/agents', body, { ...bearer, ...headers }), 415, 'unsupported_media_type');
  });

  it('a missing media type is 415', async () => {
    const body = new Blob([json]);
    const reply = await call(api, '/auth/sign-in', {
      method: 'POST',
      headers: { origin: DASHBOARD_URL },
      body,
    });
    expectProblem(reply, 415, 'unsupported_media_type');
  });

  it.each([
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'Application/Json;Charset="UTF-8"',
    'application/json ; profile=x',
  ])('a media type is taken in any case and with parameters (RFC 9110 section 8.3.1): %s', async (type) => {
    const reply = await sendTo('/auth/sign-in', json, { 'content-type': type });
    expectProblem(reply, 401, 'invalid_credentials');
    const form = type.replace(/json/i, 'X-WWW-Form-Urlencoded');
    const token = await sendTo('/oauth2/token', 'grant_type=x', { 'content-type': form });
    expect([token.status, token.body.error]).toEqual([400, 'unsupported_grant_type']);
  });

  it('a body over 64 KiB is 413, sent at once or in chunks', async () => {
    const limit = 64 * 1024;
    const sized = (bytes: number) => `{"name":"${'x'.repeat(bytes - '{"name":""}'.length)}"}`;
    expectProblem(await sendTo('/agents', sized(limit), bearer), 400, 'validation_failed');
    expectProblem(await sendTo('/agents', sized(limit + 1), bearer), 413, 'content_too_large');
    const chunked = await call(api, '/agents', {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/json' },
      body: new Blob([sized(limit + 1)]).stream(),
      duplex: 'half',
    } as RequestInit);
    expectProblem(chunked, 413, 'content_too_large');
  });

  it.each([
    ['nothing', ''],
    ['an open object', '{"a":'],
    ['60,000 open lists', '['.repeat(60_000)],
    ['a single quote', `{'name': 'a'}`],
    ['two values', '{} {}'],
    ['no number', '{"name": NaN}'],
    ['a byte order mark alone', '\ufeff'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00])],
    ['30,000 lists in each other', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['a deep name', `{"name": ${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['a prototype', '{"name": "a", "__proto__": {"scopes": []}}'],
  ])('malformed JSON is 400: %s', async (_what, body) => {
    expectProblem(await sendTo('/agents', body, bearer), 400, 'malformed_json');
  });

  it.each([
    ['a constructor', '{"name": "a", "constructor": 1}'],
    ['a number', '1'],
    ['a text', '"name"'],
  ])('JSON of another shape is 400: %s', async (_what, body) => {
    const reply = await sendTo('/agents', body, bearer);
    expectProblem(reply, 400, 'validation_failed');
    expect(reply.body.errors).toEqual(
      expect.arrayContaining([{ path: expect.stringMatching(/^body/), message: expect.any(String) }]),
    );
  });

  it.each(['%00', '%ff', 'agt_%00', 'x'.repeat(200), '..', "'--", 'agt_00000000000000000000000000'])(
    'an id that is none is 404: %s',
    async (id) => {
      expectProblem(await call(api, `/agents/${id}`, { headers: bearer }), 404, 'not_found');
      expectProblem(await sendTo(`/agents/${id}/credentials`, '{}', bearer), 404, 'not_found');
    },
  );
});

it('HEAD is GET without its body', async () => {
  for (const [path, headers] of [
    ['/health', {}],
    ['/agents', bearer],
  ] as const) {
    const reply = await call(api, path, { method: 'HEAD', headers });
    expect([reply.status, reply.text]).toEqual([200, '']);
    expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
  }
  expect((await call(api, '/agents', { method: 'HEAD' })).status).toBe(401);
  expect((await call(api, '/nothing', { method: 'HEAD' })).status).toBe(404);
});

it('every answer has its id, its kind told once, and is kept by no cache', async () => {
  const replies = [
    await call(api, '/health'),
    await call(api, '/nothing'),
    await call(api, '/agents', { headers: bearer }),
    await call(api, '/agents'),
  ];
  for (const { headers } of replies) {
    expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{26}$/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
  }
  expect(new Set(replies.map(({ headers }) => headers.get('x-request-id'))).size).toBe(4);
});

it('No header says undefined, and no answer has a challenge that does not ask who is there', async () => {
  const replies = [
    ...(await Promise.all(operations.map((operation) => send(api, operation, { headers: {} })))),
    ...(await Promise.all(operations.map((operation) => send(api, operation, { headers: bearer })))),
    await call(api, '/nothing'),
    await call(api, '/health', { method: 'DELETE' }),
    await sendTo('/agents', '{', bearer),
  ];
  for (const { status, headers, text } of replies) {
    const told = [...headers].map(([name, value]) => `${name}: ${value}`);
    expect(told.filter((header) => /\b(undefined|null|NaN)\b|\[object /.test(header))).toEqual([]);
    // RFC 9110 section 11.6.1: a challenge is of 401; RFC 6750 section 3: and of 403 for want of a scope.
    const challenge = headers.get('www-authenticate');
    if (challenge !== null) expect([text, status]).toEqual([text, expect.toBeOneOf([401, 403])]);
    if (challenge !== null) expect(challenge).toMatch(CHALLENGE);
  }
});

it('takes no request id from outside', async () => {
  const reply = await call(api, '/nothing', { headers: { 'x-request-id': 'chosen' } });
  expect(reply.headers.get('x-request-id')).toMatch(/^req_/);
});

/** A route whose handler does as the test says. */
const testRoute = (handle: () => Promise<Answer>): Route =>
  publicRoute({
    method: 'get',
    path: '/test',
    operationId: 'test',
    summary: 'A test',
    responses: {
      200: { description: 'Fine', schema: z.object({ kept: z.string() }) },
      204: { description: 'Nothing', schema: null },
    },
    problems: [],
    handle,
  });

/** What the API answers where its one route does this, and what it logs of it. */
const answerOf = async (
  handle: () => Promise<Answer>,
): Promise<{ reply: Reply; lines: Record<string, unknown>[] }> => {
  const server = createServer(createApp(api.deps, [testRoute(handle)]).callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const reply = await call({ url: `http://127.0.0.1:${port}` }, '/test');
  server.closeAllConnections();
  server.close();
  const requestId = reply.headers.get('x-request-id');
  return { reply, lines: api.logs.filter((line) => line.requestId === requestId) };
};

describe('what a handler does wrong', () => {
  const fail = (error: unknown) => () => Promise.reject(error as Error);

  it('An unexpected error tells nothing, and is logged once with the request id', async () => {
    const cause = new Error('the cause is canary-of-the-cause');
    const { reply, lines } = await answerOf(fail(new Error('canary-of-the-error', { cause })));
    expectProblem(reply, 500, 'internal_error');
    expect(reply.text).not.toContain('canary');
    expect(Object.keys(reply.body).sort()).toEqual([
      'code',
      'detail',
      'requestId',
      'status',
      'title',
      'type',
    ]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 50, status: 500, path: '/test', msg: 'request failed' });
    for (const told of ['canary-of-the-error', 'canary-of-the-cause']) {
      expect((lines[0]!.err as { message: string }).message).toContain(told);
      expect(api.logs.filter((line) => JSON.stringify(line).includes(told))).toHaveLength(1);
    }
  });

  it.each([
    ['something that is no error', 'canary'],
    ['nothing', undefined],
    ['an error with a status of its own', Object.assign(new Error('canary'), { status: 418, expose: true })],
    ['an error with headers', Object.assign(new Error('canary'), { headers: { 'x-canary': 'canary' } })],
  ])('thrown, %s is a 500 that tells nothing', async (_what, thrown) => {
    const { reply, lines } = await answerOf(fail(thrown));
    expectProblem(reply, 500, 'internal_error');
    expect(reply.text + JSON.stringify([...reply.headers])).not.toContain('canary');
    expect(lines.map(({ status }) => status)).toEqual([500]);
  });

  it('A new column does not leak', async () => {
    const { reply } = await answerOf(async () => ({ status: 200, body: { kept: 'kept', added: 'canary' } }));
    expect([reply.status, reply.body]).toEqual([200, { kept: 'kept' }]);
  });

  it.each<[what: string, answer: Answer]>([
    ['a status that the route does not declare', { status: 202, body: { kept: 'canary' } }],
    ['a body of another shape', { status: 200, body: { kept: 5, added: 'canary' } }],
    ['no body', { status: 200 }],
  ])('%s is a 500', async (_what, answer) => {
    const { reply } = await answerOf(async () => answer);
    expectProblem(reply, 500, 'internal_error');
    expect(reply.text).not.toContain('canary');
  });

  it('a body where none is declared is not sent', async () => {
    const { reply } = await answerOf(async () => ({ status: 204, body: { added: 'canary' } }));
    expect([reply.status, reply.text]).toEqual([204, '']);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P01', '53300', '40001', '40P01'])(
    'a database that fails with %s is a 503 with Retry-After',
    async (code) => {
      const { reply, lines } = await answerOf(fail(Object.assign(new Error('canary'), { code })));
      expectProblem(reply, 503, 'service_unavailable');
      expect(reply.headers.get('retry-after')).toBe('1');
      expect(reply.text).not.toContain('canary');
      expect(lines.map(({ status, level }) => [status, level])).toEqual([[503, 50]]);
    },
  );
});

describe('without its database', () => {
  let proxy: Proxy;
  let target: TestApi;
  let someone: TestMember;
  let asks: (() => Promise<Reply>)[];
  beforeAll(async () => {
    const database = await createTestDatabase();
    proxy = await startProxy(appUrl(database));
    target = await startApi({ database, env: { APP_DATABASE_URL: proxy.url } });
    someone = await signUp(target);
    const client = await registerAgent(target, someone);
    asks = [
      () => someone.get('/agents'),
      () => client.get('/agents'),
      () => client.requestToken(),
      () => post(target, '/auth/sign-in', { email: someone.email, password: someone.password }),
    ];
  });
  afterAll(async () => {
    await target.close();
    await proxy.close();
    await dropTestDatabase(target.database);
  });

  const expectServed = async (): Promise<void> => {
    for (const ask of asks) expect((await ask()).status).toBe(200);
  };
  const expectUnavailable = async (ask: () => Promise<Reply>): Promise<void> => {
    const reply = await ask();
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, '1']);
  };
  const healthBecomes = (status: string, database: string): Promise<void> =>
    until(`the database is told as ${database}`, async () => {
      const reply = await call(target, '/health');
      const services = reply.body.services as Record<string, unknown>;
      expect([reply.status, reply.body.status, services.redis]).toEqual([200, status, 'connected']);
      return services.database === database;
    });

  it('that is stopped: Postgres away answers 503 within seconds', async () => {
    await expectServed();
    await proxy.cut();
    const more = [
      () => someone.get('/auth/session'),
      () => post(target, '/auth/sign-up', { email: 'late@example.com', password: someone.password }),
      () => someone.post('/auth/sign-out', {}),
    ];
    for (const ask of [...asks, ...more, ...asks]) await expectUnavailable(ask);
    await healthBecomes('degraded', 'disconnected');
  });

  it('The API recovers when Postgres returns', async () => {
    await proxy.mend();
    await healthBecomes('ok', 'connected');
    await expectServed();
  });

  it('that is cut off in the middle of a sign-in: 503, and the process lives', async () => {
    await expectServed();
    const lock = new pg.Client(adminUrl(target.database));
    await lock.connect();
    await lock.query('begin; lock table users');
    const signIn = asks[3]!();
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await until('the sign-in waits', async () => (await lock.query(waiting)).rowCount! > 0);
    await proxy.cut();
    expect((await signIn).status).toBe(503);
    await lock.end();
    await proxy.mend();
    await expectServed();
  });

  it('that takes connections and hangs: 503 within seconds', async () => {
    await expectServed();
    await wait(2_000);
    proxy.hang();
    for (let round = 0; round < 2; round++) {
      await Promise.all(asks.map(expectUnavailable));
    }
    await healthBecomes('degraded', 'disconnected');
    await proxy.cut();
    await proxy.mend();
    await healthBecomes('ok', 'connected');
    await expectServed();
  });
});

describe('GET /openapi.json', () => {
  const committed = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8')) as Document;
  interface Document {
    openapi: string;
    info: { version: string };
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  }
  const routes = createRoutes({
    attemptLimits: createAttemptLimits(undefined, { SIGN_UP_MAX_PER_MINUTE: 60 }),
    watch: { current: () => ({ database: 'connected', redis: 'connected', temporal: 'disabled' }) },
    probes: () => Promise.reject(new Error('nothing is probed')),
    version: '0.0.0-test',
  });

  it('The API describes itself', async () => {
    const reply = await call(api, '/openapi.json');
    expect(reply.status).toBe(200);
    const document = reply.body as unknown as Document;
    expect([document.openapi, document.info.version]).toEqual(['3.1.0', '0.0.0-test']);
    expect({ ...document, info: { ...document.info, version: committed.info.version } }).toEqual(committed);
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    const mounted = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(listed.sort()).toEqual(mounted.sort());
  });

  it('The document is serialised once, and read again by its ETag', async () => {
    const route = routes.find(({ operationId }) => operationId === 'getOpenApi')!;
    const made: unknown[] = [];
    const stringify = vi.spyOn(JSON, 'stringify');
    for (let i = 0; i < 3; i++) {
      made.push(await route.handle(api.deps, { headers: {} } as Parameters<Route['handle']>[1]));
    }
    expect(stringify).not.toHaveBeenCalled();
    stringify.mockRestore();
    expect(made[2]).toEqual(made[0]);
    const reply = await call(api, '/openapi.json');
    expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(reply.headers.get('cache-control')).toBe('public, max-age=300');
    const etag = reply.headers.get('etag')!;
    const again = await call(api, '/openapi.json', { headers: { 'if-none-match': etag } });
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
    const { headers } = await call(api, '/openapi.json', { method: 'HEAD' });
    expect(headers.get('content-length')).toBe(String(Buffer.byteLength(reply.text)));
  });

  it.each(routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const))(
    'lists %s with every status that it declares',
    async (_name, route) => {
      const { method, path, responses, problems = [], access } = route;
      const operation = committed.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method];
      const statuses = Object.keys(operation?.responses ?? {});
      const declared = [
        ...Object.keys(responses),
        ...problems.map((code) => String(problemKinds[code].status)),
        ...(access === 'session' ? ['401'] : []),
        ...(hasScopes(route) ? ['401', '403', '429'] : []),
        ...(route.billing ? ['404'] : []),
        '500',
        '503',
      ];
      expect(statuses).toEqual(expect.arrayContaining(declared));
    },
  );

  it('lists nothing besides', () => {
    const listed = Object.values(committed.paths).flatMap((methods) => Object.keys(methods));
    expect(listed).toHaveLength(routes.length);
  });
});

describe('GET /health', () => {
  it('tells status, version, uptime and services, to anyone', async () => {
    const before = Math.floor(process.uptime());
    const { status, body } = await call(api, '/health');
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'ok',
      version: '0.0.0-test',
      uptime: expect.any(Number),
      services: { database: 'connected', redis: 'connected', temporal: 'disabled' },
    });
    expect(body.uptime).toBeGreaterThanOrEqual(before);
    expect(body.uptime).toBeLessThanOrEqual(process.uptime());
  });
});

describe('requests from other origins', () => {
  it('may be read by the dashboard alone, without credentials', async () => {
    for (const origin of [DASHBOARD_URL, 'http://elsewhere.test', 'null']) {
      for (const path of ['/health', '/nothing', '/agents']) {
        const { headers } = await call(api, path, { headers: { origin } });
        expect(headers.get('access-control-allow-origin')).toBe(DASHBOARD_URL);
        expect(headers.get('access-control-allow-credentials')).toBeNull();
        expect(headers.get('vary')).toContain('Origin');
      }
    }
  });

  it('are announced by a preflight, which names the dashboard too', async () => {
    const { status, headers } = await call(api, '/agents', {
      method: 'OPTIONS',
      headers: {
        origin: 'http://elsewhere.test',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(DASHBOARD_URL);
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('A forged host changes no link', async () => {
    const answerTo = async (path: string, headers: Record<string, string>, body?: string) => {
      const sent = request(`${api.url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...headers,
          host: 'forged.test',
          forwarded: 'host=forged.test;proto=https',
          'x-forwarded-host': 'forged.test',
          'x-forwarded-proto': 'https',
        },
      }).end(body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      let text = '';
      for await (const chunk of response) text += String(chunk);
      expect(JSON.stringify(response.headers) + text).not.toContain('forged.test');
      return { status: response.statusCode, headers: response.headers, text };
    };
    const json = { ...bearer, 'content-type': 'application/json' };
    const made = await answerTo('/agents', json, '{"name":"forged host"}');
    expect(made.status).toBe(201);
    const { agentId } = JSON.parse(made.text) as { agentId: string };
    expect(made.headers.location).toBe(`${PUBLIC_URL}/agents/${agentId}`);
    for (const [status, path, headers] of [
      [401, '/agents', {}],
      [403, '/billing/usage', bearer],
    ] as const) {
      const refused = await answerTo(path, headers);
      expect(refused.status).toBe(status);
      expect(refused.headers['www-authenticate']).toContain(
        `resource_metadata="${PUBLIC_URL}/.well-known/oauth-protected-resource"`,
      );
    }
  });
});

describe('bytes that are no request', () => {
  /** What the server answers on one connection, if it does, by the time that it has answered on another. */
  const exchange = async (text: string, isAnswered = true): Promise<string> => {
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => {});
    await new Promise((resolve) => socket.write(text, 'latin1', resolve));
    if (isAnswered) await until('it is answered', () => socket.closed || answer.includes('\r\n\r\n'));
    expect((await call(api, '/health')).status).toBe(200);
    socket.destroy();
    return answer;
  };
  const lines = (...text: string[]): string => `${text.join('\r\n')}\r\n\r\n`;
  const HOST = 'Host: a';

  it.each([
    ['no request line', lines('GARBAGE'), 400],
    ['a request line without a path', lines('GET HTTP/1.1', HOST), 400],
    ['an unknown version', lines('GET /health HTTP/9.9', HOST), 400],
    ['an unknown method', lines('BREW /health HTTP/1.1', HOST), 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['NULs', '\0'.repeat(64), 400],
    ['no Host', lines('GET /health HTTP/1.1'), 400],
    ['two Hosts', lines('GET /health HTTP/1.1', HOST, 'Host: b'), 400],
    ['the same Host twice', lines('GET /health HTTP/1.1', HOST, HOST), 400],
    ['two empty Hosts', lines('GET /health HTTP/1.1', 'Host:', 'Host:'), 400],
    ['a Host with a path', lines('GET /health HTTP/1.1', 'Host: a/b'), 400],
    ['a Host with a user', lines('GET /health HTTP/1.1', 'Host: u@a'), 400],
    [
      'a transfer coding besides chunked',
      `${lines('POST /auth/sign-in HTTP/1.1', HOST, 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n`,
      501,
    ],
    [
      'chunks of HTTP/1.0',
      `${lines('POST /auth/sign-in HTTP/1.0', HOST, 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      400,
    ],
    ['a header without a name', lines('GET /health HTTP/1.1', HOST, ': a'), 400],
    ['a header with a NUL', lines('GET /health HTTP/1.1', HOST, 'x: a\0b'), 400],
    ['headers of 64 KiB', lines('GET /health HTTP/1.1', HOST, `x: ${'a'.repeat(65_536)}`), 431],
    [
      'a length beside chunks',
      `${lines('POST /auth/sign-in HTTP/1.1', HOST, 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      400,
    ],
    [
      'two lengths',
      `${lines('POST /agents HTTP/1.1', HOST, 'Content-Length: 1', 'Content-Length: 2')}ab`,
      400,
    ],
    ['a negative length', lines('POST /agents HTTP/1.1', HOST, 'Content-Length: -1'), 400],
    ['an unknown transfer coding', lines('POST /agents HTTP/1.1', HOST, 'Transfer-Encoding: unknown'), 400],
    ['TRACE', lines('TRACE /agents HTTP/1.1', HOST, 'Cookie: sentryagent=canary'), 405],
    ['a whole URL that is none', lines('GET http://[ HTTP/1.1', HOST), 400],
    ['a path of slashes', lines('GET //////%2e%2e//a HTTP/1.1', HOST), 404],
    ['a path of bytes', lines('GET /\xff\xfe HTTP/1.1', HOST), 400],
    ['an asterisk', lines('GET * HTTP/1.1', HOST), 404],
    ['a header of a prototype', lines('GET /agents HTTP/1.1', HOST, '__proto__: x'), 401],
    ['a header of bytes', lines('GET /agents HTTP/1.1', HOST, 'Cookie: sentryagent=\xff\xfe'), 401],
    ['an address that is none', lines('GET /agents HTTP/1.1', HOST, 'X-Forwarded-For: <>, ,,'), 401],
  ])('An ambiguous message is refused: %s, which breaks nothing', async (_what, text, status) => {
    const answer = await exchange(text);
    expect(Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])).toBe(status);
    expect(answer).not.toContain('canary');
  });

  it('An ambiguous message is the fault of its sender: the log has no stack of it', async () => {
    const seen = api.logs.length;
    await exchange(
      `${lines('POST /auth/sign-in HTTP/1.1', HOST, 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n`,
    );
    const about = () => api.logs.slice(seen).filter(({ status }) => status === 501);
    await until('it is logged', () => about().length > 0);
    expect(about()).toEqual([expect.objectContaining({ level: 30, msg: 'request', method: 'POST' })]);
    expect(JSON.stringify(about())).not.toMatch(/"err"|"stack"/);
  });

  it.each([
    ['two Hosts', lines('GET /health HTTP/1.1', HOST, 'Host: b')],
    [
      'a transfer coding besides chunked',
      `${lines('POST /auth/sign-in HTTP/1.1', HOST, 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n`,
    ],
    [
      'chunks of HTTP/1.0',
      `${lines('POST /auth/sign-in HTTP/1.0', HOST, 'Connection: keep-alive', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    ],
  ])('No request behind an ambiguous message is handled: %s', async (_what, text) => {
    const newEmail = () => `${randomUUID()}@example.com`;
    const email = newEmail();
    const body = JSON.stringify({ email, password: 'correct horse battery' });
    const signUp = `${lines(
      'POST /auth/sign-up HTTP/1.1',
      HOST,
      `Origin: ${DASHBOARD_URL}`,
      // Sign-ups are limited by network.
      `X-Forwarded-For: 2001:db8:${randomBytes(2).toString('hex')}::1`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    )}${body}`;
    const usersOf = () => api.sql('select 1 from users where email = $1', [email]);
    await exchange(text + signUp);
    // A request that was handled beside it has come so far by now.
    await exchange(signUp.replace(email, newEmail()));
    expect(await usersOf()).toEqual([]);
    expect(await exchange(signUp)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await usersOf()).toHaveLength(1);
  });

  it.each(['a', 'a:80', 'a_b.example:8080', '127.0.0.1', '[::1]:3000', 'A.EXAMPLE.', ''])(
    'answers a request to the host "%s"',
    async (host) => {
      const answer = await exchange(lines('GET /health HTTP/1.1', `Host: ${host}`));
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    },
  );

  it.each([
    ['CONNECT', lines('CONNECT a:443 HTTP/1.1', HOST)],
    ['half a request', 'GET /health HTTP/1.1\r\nHost'],
    [
      'half a body',
      `${lines('POST /auth/sign-in HTTP/1.1', HOST, `Origin: ${DASHBOARD_URL}`, 'Content-Type: application/json', 'Content-Length: 9')}{`,
    ],
  ])('%s is answered nothing and breaks nothing', async (_what, text) => {
    expect(await exchange(text, false)).toBe('');
  });

  it('a second request hidden in a first one’s body is not served', async () => {
    const hidden = lines('GET /health HTTP/1.1', HOST);
    const body = `0\r\n\r\n${hidden}`;
    const answer = await exchange(
      `${lines('POST /auth/sign-in HTTP/1.1', HOST, 'Transfer-Encoding: chunked', `Content-Length: ${body.length}`)}${body}`,
    );
    expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
    expect(answer).not.toContain('uptime');
  });
});

describe('the log', () => {
  it('Each request leaves one clean line', async () => {
    const quiet = await startApi({ env: WINDOW });
    const canary = (name: string): string => `canary-${name}-${Math.random().toString(36).slice(2)}`;
    const [email, password] = [`${canary('email')}@example.com`, canary('password')];
    const replies: Reply[] = [];
    const ask = async (reply: Promise<Reply>): Promise<Reply> => {
      replies.push(await reply);
      return reply;
    };
    const signedUp = await ask(post(quiet, '/auth/sign-up', { email, password }));
    const cookie = cookiesOf(signedUp);
    const signIn = (body: unknown) => ask(post(quiet, '/auth/sign-in', body));
    const make = (path: string, body: unknown) => ask(post(quiet, path, body, { cookie }));
    const { agentId } = (await make('/agents', { name: 'client' })).body as { agentId: string };
    const { clientSecret } = (await make(`/agents/${agentId}/credentials`, {})).body as {
      clientSecret: string;
    };
    const form = { grant_type: 'client_credentials' };
    const issued = await ask(requestToken(quiet, basic(agentId, clientSecret), form));
    const token = issued.body.access_token as string;
    const get = (path: string, headers: Record<string, string>) => ask(call(quiet, path, { headers }));
    const guess = canary('guess');

    await get('/agents', { authorization: `Bearer ${token}` });
    await get('/agents', { authorization: `Bearer ${token}x` });
    await get('/agents', { authorization: `Basic ${token}` });
    await get(`/agents?access_token=${token}`, { authorization: `Bearer ${guess}` });
    await get(`/${guess}`, { 'x-secret': guess, 'user-agent': guess });
    await get(`/agents/${guess}`, { authorization: `Bearer ${token}` });
    await get('/auth/session', { cookie: `${cookie}x` });
    await get('/auth/session', { cookie: `sentryagent=${guess}` });
    await ask(requestToken(quiet, basic(agentId, guess), form));
    await ask(requestToken(quiet, basic(agentId, `${clientSecret.slice(0, -1)}!`), form));
    await ask(
      requestToken(quiet, undefined, {
        ...form,
        client_id: agentId,
        client_secret: clientSecret,
        scope: guess,
      }),
    );
    await signIn({ email, password });
    await signIn({ email, password: guess });
    await signIn({ email, password: guess, extra: guess });
    await signIn(guess);
    await ask(post(quiet, '/auth/sign-up', { email, password }));
    await ask(
      call(quiet, '/auth/sign-in', {
        method: 'POST',
        headers: { origin: DASHBOARD_URL, 'content-type': 'application/json' },
        body: `{"password": "${guess}"`,
      }),
    );
    await make('/auth/sign-out', {});
    await quiet.sql('alter table agents rename to lost');
    await quiet.sql('alter table users rename to lost_users');
    expect((await get('/agents', { authorization: `Bearer ${token}` })).status).toBe(500);
    expect((await signIn({ email, password })).status).toBe(500);

    const lines = quiet.logs.filter(({ requestId }) => requestId !== undefined);
    const ids = replies.map(({ headers }) => headers.get('x-request-id'));
    expect(lines.map(({ requestId }) => requestId)).toEqual(ids);
    expect(lines.map(({ status }) => status)).toEqual(replies.map(({ status }) => status));
    const log = JSON.stringify(quiet.logs);
    const session = cookie.split('=')[1]!.split('.')[0]!;
    const secrets = { email, password, clientSecret, token, session, guess };
    for (const [name, secret] of Object.entries(secrets)) {
      expect([name, secret.length > 10, log.includes(secret)]).toEqual([name, true, false]);
    }
    await quiet.close();
  });

  it('tells a statement that failed, and none of its values', async () => {
    const quiet = await startApi({ env: WINDOW });
    const member = await signUp(quiet);
    await quiet.sql("alter table agents add check (name not like 'canary%')");
    const reply = await member.post('/agents', { name: 'canary-of-the-name' });
    expectProblem(reply, 500, 'internal_error');
    const log = JSON.stringify(quiet.logs);
    expect(log).toContain('insert into');
    expect(log).not.toContain('canary');
    await quiet.close();
  });
});
