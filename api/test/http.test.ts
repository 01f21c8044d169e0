import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createApp } from '../src/http/app.ts';
import { createDoors } from '../src/http/doors.ts';
import { publicRoute } from '../src/http/route.ts';
import type { Answer, Route } from '../src/http/route.ts';
import { createRoutes } from '../src/http/routes.ts';
import { problemKinds } from '../src/platform/problem.ts';
import { DASHBOARD_URL, PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, post, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';

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

const sendTo = (path: string, body: BodyInit | undefined, headers: Record<string, string> = {}) =>
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
    ['PUT', '/agents/agt_00000000000000000000000000', 'GET, HEAD'],
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

  it('a media type with a parameter is taken', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    expectProblem(await sendTo('/auth/sign-in', json, headers), 401, 'invalid_credentials');
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
  ])('malformed JSON is 400: %s', async (_what, body) => {
    expectProblem(await sendTo('/agents', body, bearer), 400, 'malformed_json');
  });

  it.each([
    ['30,000 lists in each other', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    ['a deep name', `{"name": ${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['a prototype', '{"name": "a", "__proto__": {"scopes": []}}'],
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
