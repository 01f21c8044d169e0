import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../src/http/app.ts';
import { routesOf } from '../src/http/route.ts';
import { Problem } from '../src/platform/problem.ts';
import { OAuthError } from '../src/platform/oauth-error.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call } from './support/callers.ts';
import type { Reply } from './support/callers.ts';

const { publicRoute } = routesOf('test');

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** What a client gets of an error that a route of the OAuth kind throws. */
const answerOf = async (error: Error): Promise<Reply> => {
  const route = publicRoute({
    method: 'get',
    path: '/test',
    operationId: 'test',
    summary: 'A test',
    errors: 'oauth',
    responses: {},
    problems: [],
    handle: () => Promise.reject(error),
  });
  const server = createServer(createApp(api.deps, [route]).callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const reply = await call({ url: `http://127.0.0.1:${port}` }, '/test');
  server.closeAllConnections();
  server.close();
  return reply;
};

describe('An error description has the characters of RFC 6749 (section 5.2)', () => {
  it.each([
    ['Send "this".', "Send 'this'."],
    ['The agent’s “name” …', "The agent's 'name' ..."],
    ['back\\slash', 'back?slash'],
    ['two\r\nlines\tand a NUL\u0000', 'two??lines?and a NUL?'],
    ['ü, ½, 💩, \ud800', '?, ?, ?, ?'],
    ['\u007f\u0080', '??'],
  ])('whatever text goes in: %j', async (text, expected) => {
    for (const [error, code] of [
      [new OAuthError('invalid_request', text), 'invalid_request'],
      [new OAuthError('invalid_client', text), 'invalid_client'],
      [new Problem('validation_failed', text), 'invalid_request'],
      [new Problem('rate_limited', text), 'rate_limited'],
      [new Problem('unauthorized', text), 'invalid_token'],
    ] as const) {
      const { body } = await answerOf(error);
      expect(body).toEqual({ error: code, error_description: expected });
    }
  });
});

it('No header says undefined: an error without a challenge has none', async () => {
  const errors = [
    new OAuthError('invalid_request', 'x'),
    new Problem('unauthorized', 'x'),
    new Problem('forbidden', 'x'),
    new Problem('internal_error', 'x'),
  ];
  for (const error of errors) expect((await answerOf(error)).headers.get('www-authenticate')).toBeNull();
  const { status, headers } = await answerOf(new OAuthError('invalid_client', 'x'));
  expect([status, headers.get('www-authenticate')]).toEqual([
    401,
    'Basic realm="sentryagent", charset="UTF-8", resource_metadata="http://api.test/.well-known/oauth-protected-resource"',
  ]);
});
