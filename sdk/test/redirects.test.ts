import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiError, createClient } from '../src/client.ts';
import type { Client } from '../src/client.ts';

interface Arrived {
  path: string;
  authorization: string | undefined;
  body: string;
}

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** A server that notes whatever arrives; it sends `/agents` and the token endpoint on, and would answer all else. */
const serve = async (target: (own: string) => { status: number; location: string } | undefined) => {
  const arrived: Arrived[] = [];
  let url = '';
  const server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const path = request.url ?? '';
      arrived.push({ path, authorization: request.headers.authorization, body });
      const redirect = path.startsWith('/taken') ? undefined : target(url);
      if (redirect) response.writeHead(redirect.status, { location: redirect.location }).end();
      else
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[],"access_token":"t"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, arrived };
};

const STATUSES = [301, 302, 303, 307, 308];
const client = { clientId: 'agt_1', clientSecret: 'canary' };
const calls: [what: string, ask: (api: Client) => Promise<unknown>][] = [
  ['a read', (api) => api.agents.list()],
  ['a write with a body', (api) => api.agents.register({ name: 'canary' })],
  ['a token request', (api) => api.tokens.issue(client)],
];

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );

/** The proof that the server behind the redirect is there: asked itself, it answers. */
const expectAlive = async (url: string): Promise<void> => {
  const reply = await fetch(`${url}/taken`);
  expect(reply.status).toBe(200);
};

describe('A redirect takes no credential to another place', () => {
  const matrix = STATUSES.flatMap((status) => calls.map(([what, ask]) => ({ status, what, ask })));

  it.each(matrix)('$status of $what, to another origin that would answer', async ({ status, ask }) => {
    const elsewhere = await serve(() => undefined);
    const api = await serve(() => ({ status, location: `${elsewhere.url}/taken` }));
    const asked = createClient({ baseUrl: api.url, headers: { authorization: 'Bearer canary' } });
    const error = await failure(ask(asked));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 0, code: 'network_error' });
    expect(api.arrived).toHaveLength(1);
    expect(elsewhere.arrived).toEqual([]);
    await expectAlive(elsewhere.url);
    expect(elsewhere.arrived).toEqual([{ path: '/taken', authorization: undefined, body: '' }]);
  });

  it.each(matrix)('$status of $what, to another path of the same origin', async ({ status, ask }) => {
    const api = await serve((own) => ({ status, location: `${own}/taken` }));
    const asked = createClient({ baseUrl: api.url, headers: { authorization: 'Bearer canary' } });
    expect(await failure(ask(asked))).toMatchObject({ status: 0, code: 'network_error' });
    expect(api.arrived.map(({ path }) => path)).not.toContain('/taken');
    await expectAlive(api.url);
  });
});
