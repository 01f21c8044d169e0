import { once } from 'node:events';
import { Agent as Sockets, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair } from './support/assertions.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';
import { operations, pathOf } from './support/operations.ts';
import type { Operation } from './support/operations.ts';

let api: TestApi;
let member: TestMember;
let agent: TestAgent;
/** One connection, so that what is left of a body would be read as the next request. */
const sockets = new Sockets({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  member = await signUp(api);
  agent = await registerAgent(api, member);
});
afterAll(async () => {
  sockets.destroy();
  await api.close();
});

const send = async (
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {},
): Promise<[status: number, text: string]> => {
  const { hostname, port } = new URL(api.url);
  const all = { origin: DASHBOARD_URL, cookie: member.cookie, ...headers };
  const asked = request({ hostname, port, method, path, headers: all, agent: sockets });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return [response.statusCode!, text];
};

const named = (some: Operation[]) => some.map((operation) => [operation.id, operation] as const);
const address = (operation: Operation): string =>
  pathOf(operation, { agentId: agent.agentId, credentialId: agent.credentialId });

describe('An optional body may be left out', () => {
  const optional = operations.filter(({ bodyIsOptional }) => bodyIsOptional);

  it('which the document says of each', () => {
    expect(optional.map(({ id }) => id).sort()).toEqual([
      'cancelSubscription',
      'createCredential',
      'openPortal',
      'resumeSubscription',
      'rotateCredential',
      'startCheckout',
    ]);
  });

  it.each(named(optional))('%s', async (id, operation) => {
    // Nothing is sold here.
    const expected = /Checkout|Portal|Subscription/.test(id) ? 503 : expect.toBeOneOf([200, 201]);
    const json = { 'content-type': 'application/json' };
    /** Ids, secrets and times are others each time. */
    const membersOf = (text: string) => Object.keys(JSON.parse(text) as object);
    const [, right] = await send(operation.method, address(operation), { headers: json, body: '{}' });
    const empty = { 'content-length': '0' };
    const ways: Record<string, string>[] = [{}, json, empty, { ...json, ...empty }];
    for (const headers of ways) {
      const [status, text] = await send(operation.method, address(operation), { headers });
      expect([status, text]).toEqual([expected, text]);
      expect(membersOf(text)).toEqual(membersOf(right));
    }
  });

  it('and is then the same as an empty object, for an Idempotency-Key too', async () => {
    const path = address(operations.find(({ id }) => id === 'createCredential')!);
    const headers = { 'idempotency-key': 'one' };
    const [, first] = await send('POST', path, { headers });
    const again = { ...headers, 'content-type': 'application/json' };
    expect(await send('POST', path, { headers: again, body: '{}' })).toEqual([201, first]);
  });
});

it('A body that nobody asked for is not read', async () => {
  const bodies = ['{"status":"active"}', 'not json', '\0', 'GET /none HTTP/1.1\r\n\r\n', 'x'.repeat(100_000)];
  for (const id of ['suspendAgent', 'reactivateAgent', 'endCredentialOverlap']) {
    const operation = operations.find((some) => some.id === id)!;
    for (const body of bodies) {
      const [status, text] = await send(operation.method, address(operation), {
        headers: { 'content-type': 'text/plain', 'content-length': String(body.length) },
        body,
      });
      expect([status, text]).toEqual([expect.toBeOneOf([200, 204]), text]);
    }
  }
  const [status] = await send('GET', '/agents', { headers: { 'content-length': '3' }, body: 'abc' });
  expect(status).toBe(200);
});

describe('A body is UTF-8, and may say so', () => {
  it.each(['utf-8', 'UTF-8', '"utf-8"', 'utf8'])('charset=%s', async (charset) => {
    const headers = { 'content-type': `application/json; charset=${charset}` };
    const [status, text] = await send('POST', '/resources', {
      headers,
      body: JSON.stringify({
        identifier: `urn:test:${charset.length}${charset.charCodeAt(0)}`,
        scopes: ['a'],
      }),
    });
    expect([status, text]).toEqual([201, text]);
  });
});

it('takes names that repeat in different objects, and 20 levels', async () => {
  const more = { a: { b: { c: 1 }, c: 1 }, c: '"a":1,"a":1', d_: '\\"{[', list: [{ a: 1 }, { a: 1 }] };
  const key = JSON.stringify({ ...newKeyPair().publicJwk, ...more });
  const deep = key.replace('{', `{"deep":${'['.repeat(18)}${']'.repeat(18)},`);
  const [status, text] = await send('POST', `/agents/${agent.agentId}/keys`, {
    headers: { 'content-type': 'application/json' },
    body: `{"publicKey":${deep}}`,
  });
  expect([status, text]).toEqual([201, text]);
});
