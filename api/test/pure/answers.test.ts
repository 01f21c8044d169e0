import { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import Koa from 'koa';
import { describe, expect, it } from 'vitest';
import { answerError } from '../../src/http/answer-errors.ts';
import { findFault } from '../../src/http/check-message.ts';
import type { Route } from '../../src/http/route.ts';
import { toWebHeaders } from '../../src/http/web-headers.ts';
import { OAuthError } from '../../src/platform/oauth-error.ts';
import { Problem, unavailable } from '../../src/platform/problem.ts';

const koa = new Koa();

/** The answer to a failure, and what the log gets of it. */
const answerTo = (
  error: unknown,
  { oauth = false, route }: { oauth?: boolean; route?: Partial<Route> } = {},
) => {
  const request = new IncomingMessage(new Socket());
  const ctx = koa.createContext(request, new ServerResponse(request));
  Object.assign(ctx.state, { route });
  const urls = { publicUrl: 'https://api.test', docsUrl: 'https://docs.test' };
  const logged = answerError(ctx, error, { ...urls, requestId: 'req_1', oauth });
  const body = typeof ctx.body === 'string' ? (JSON.parse(ctx.body) as unknown) : ctx.body;
  return {
    status: ctx.status,
    type: ctx.type,
    body,
    logged,
    header: (name: string) => ctx.res.getHeader(name),
  };
};

describe('a failure is answered', () => {
  it('as a problem with its members, headers and page', () => {
    const problem = new Problem('free_tier_limit', 'Upgrade.', {
      members: { max: 10, code: 'never this' },
      headers: { 'Retry-After': '7' },
    });
    const { header, ...answer } = answerTo(problem);
    expect(answer).toEqual({
      status: 429,
      type: 'application/problem+json',
      body: {
        type: 'https://docs.test/docs/errors/free_tier_limit',
        title: 'Free tier limit reached',
        status: 429,
        detail: 'Upgrade.',
        max: 10,
        code: 'free_tier_limit',
        requestId: 'req_1',
      },
      logged: undefined,
    });
    expect([header('Retry-After'), header('WWW-Authenticate')]).toEqual(['7', undefined]);
  });

  it.each<[what: string, error: Error, oauth: boolean, status: number, code: string, isLogged: boolean]>([
    ['a defect', new TypeError('secret'), false, 500, 'internal_error', true],
    ['a defect, by OAuth', new TypeError('secret'), true, 500, 'server_error', true],
    [
      'a constraint',
      Object.assign(new Error('x'), { constraint: 'agents_name_key' }),
      false,
      409,
      'agent_name_taken',
      false,
    ],
    [
      'a lost connection',
      Object.assign(new Error('x'), { code: '57P01' }),
      false,
      503,
      'service_unavailable',
      true,
    ],
    ['an outage, by OAuth', unavailable(new Error('x')), true, 503, 'temporarily_unavailable', true],
    ['a wrong field, by OAuth', new Problem('validation_failed', 'x'), true, 400, 'invalid_request', false],
    [
      'a coding that no server has',
      new Problem('not_implemented', 'x'),
      false,
      501,
      'not_implemented',
      false,
    ],
    ['no token, by OAuth', new Problem('unauthorized', 'x'), true, 401, 'invalid_token', false],
    ['too few scopes, by OAuth', new Problem('forbidden', 'x'), true, 403, 'insufficient_scope', false],
    ['too many, by OAuth', new Problem('rate_limited', 'x'), true, 429, 'rate_limited', false],
    ['a wrong request', new OAuthError('invalid_request', 'x'), true, 400, 'invalid_request', false],
    ['a wrong client', new OAuthError('invalid_client', 'x'), true, 401, 'invalid_client', false],
  ])('by its kind: %s', (_what, error, oauth, status, code, isLogged) => {
    const answer = answerTo(error, { oauth });
    const { code: problemCode, error: oauthCode } = answer.body as Record<string, string>;
    expect([answer.status, problemCode ?? oauthCode]).toEqual([status, code]);
    expect(answer.logged).toBe(isLogged ? (error instanceof Problem ? error.cause : error) : undefined);
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(answer.header('Cache-Control')).toBe(oauth ? 'no-store' : undefined);
  });

  it('by itself in the log, if it has no cause', () => {
    const error = new Problem('internal_error', 'x');
    expect(answerTo(error).logged).toBe(error);
  });

  it('in the characters of OAuth, and a defect with what to do', () => {
    expect(answerTo(new OAuthError('invalid_request', '“x”'), { oauth: true }).body).toEqual({
      error: 'invalid_request',
      error_description: "'x'",
    });
    expect(answerTo(new Error('x')).body).toMatchObject({ detail: expect.stringContaining('contact us') });
  });

  const METADATA = 'resource_metadata="https://api.test/.well-known/oauth-protected-resource"';
  const bearer = (challenge: string) =>
    new Problem('forbidden', 'x', { headers: { 'WWW-Authenticate': challenge } });
  it.each<[what: string, error: Error, route: Partial<Route> | undefined, challenge?: string]>([
    [
      'a wrong client',
      new OAuthError('invalid_client', 'x'),
      undefined,
      `Basic realm="sentryagent", charset="UTF-8", ${METADATA}`,
    ],
    [
      'a token for a route with scopes',
      bearer('Bearer realm="a"'),
      { access: ['agents:read', 'audit:read'] },
      `Bearer realm="a", scope="agents:read audit:read", ${METADATA}`,
    ],
    [
      'scopes that are named already',
      bearer('Bearer realm="a", scope="b"'),
      { access: ['agents:read'] },
      `Bearer realm="a", scope="b", ${METADATA}`,
    ],
    [
      'a public route that takes tokens',
      bearer('Bearer realm="a"'),
      { access: 'public', bearerScopes: ['tokens:read'] },
      `Bearer realm="a", scope="tokens:read", ${METADATA}`,
    ],
    [
      'a route without scopes',
      bearer('Bearer realm="a"'),
      { access: 'session' },
      `Bearer realm="a", ${METADATA}`,
    ],
    ['no route', bearer('Bearer realm="a"'), undefined, `Bearer realm="a", ${METADATA}`],
    [
      'Basic at a route with scopes',
      bearer('Basic realm="a"'),
      { access: ['agents:read'] },
      `Basic realm="a", ${METADATA}`,
    ],
    ['a wrong request', new OAuthError('invalid_request', 'x'), undefined],
    ['no challenge', new Problem('forbidden', 'x'), { access: ['agents:read'] }],
  ])('with a whole challenge: %s', (_what, error, route, challenge) => {
    expect(answerTo(error, route && { route }).header('WWW-Authenticate')).toBe(challenge);
  });
});

describe('a message', () => {
  const faultOf = (headers: IncomingHttpHeaders, httpVersion = '1.1') =>
    findFault({ headers, httpVersion } as IncomingMessage);

  it.each<[IncomingHttpHeaders, string?]>([
    [{}],
    [{}, '1.0'],
    [{ 'transfer-encoding': 'chunked' }],
    [{ 'transfer-encoding': 'CHUNKED' }],
    ...[
      '',
      'a',
      'a:80',
      'a:',
      'a_b.example:8080',
      '127.0.0.1',
      '[::1]:3000',
      '[::FFFF:1.2.3.4]',
      'A.',
      'a%2Db',
      "!$&'()*+,;=~-.",
    ].map((host): [IncomingHttpHeaders] => [{ host }]),
  ])('is read: %j', (headers, version) => {
    expect(faultOf(headers, version)).toBeUndefined();
  });

  it.each<[IncomingHttpHeaders, string, string, RegExp]>([
    ...[
      'a, b',
      'a b',
      'a/b',
      'a@b',
      'a:b',
      'a:80x',
      ':80:',
      'a%2',
      'a%zz',
      '[::1',
      '::1]',
      '[g]',
      '[]',
      '[::1]x',
      'x[::1]',
      'é',
      '"a"',
    ].map((host): [IncomingHttpHeaders, string, string, RegExp] => [
      { host },
      '1.1',
      'invalid_request',
      /one Host header/,
    ]),
    [{ 'transfer-encoding': 'chunked' }, '1.0', 'invalid_request', /HTTP\/1\.0/],
    [{ 'transfer-encoding': 'gzip, chunked' }, '1.1', 'not_implemented', /transfer coding/],
    [{ 'transfer-encoding': '' }, '1.1', 'not_implemented', /transfer coding/],
  ])('is refused with its connection: %j of HTTP/%s is %s', (headers, version, code, words) => {
    expect(faultOf(headers, version)).toMatchObject({
      code,
      detail: expect.stringMatching(words),
      headers: { Connection: 'close' },
    });
  });

  it('has headers in the form of the web', () => {
    const headers = toWebHeaders({ accept: 'text/html', 'set-cookie': ['a=1', 'b=2'], host: undefined });
    expect([...headers]).toEqual([
      ['accept', 'text/html'],
      ['set-cookie', 'a=1, b=2'],
    ]);
  });
});
