import { once } from 'node:events';
import { Agent as Sockets, request } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scopes } from '../src/platform/principal.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair } from './support/assertions.ts';
import {
  badClients,
  badForm,
  badHeaders,
  badJson,
  badMethods,
  badPaths,
  badQueries,
} from './support/bad-input.ts';
import type { BadRequest, Honest } from './support/bad-input.ts';
import { basic, registerAgent } from './support/callers.ts';
import type { Json, TestAgent, TestMember } from './support/callers.ts';
import { operations, pathOf } from './support/operations.ts';
import type { Operation } from './support/operations.ts';
import { signUpConfirmed } from './support/two-factor.ts';

/** Longer than a busy machine takes: what is told here hangs. */
const LIMIT_MS = 20_000;
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

let api: TestApi;
let member: TestMember;
let agent: TestAgent;
let token: string;
/** One to ask about. */
let given: string;
let parameters: Record<string, string>;
/** What each operation takes. */
let bodies: Record<string, Json>;
const sockets = new Sockets({ keepAlive: true });

const setUp = async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  member = await signUpConfirmed(api);
  agent = await registerAgent(api, member, [...scopes]);
  // Else it would be refused after a thousand calls.
  await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [member.tenantId]);
  token = await agent.token();
  given = await agent.token();
  const resource = await agent.post('/resources', { identifier: 'https://crm.example', scopes: ['read'] });
  const spare = await member.post(`/agents/${agent.agentId}/credentials`, {});
  parameters = {
    agentId: agent.agentId,
    // Not the one of the caller's own token, which would end its say.
    credentialId: spare.body.credentialId as string,
    resourceId: resource.body.resourceId as string,
    checkoutId: 'chk_00000000000000000000000000',
    sessionId: 'ses_00000000000000000000000000',
  };
  bodies = {
    issueToken: { grant_type: 'client_credentials', scope: 'agents:read' },
    introspectToken: { token: given },
    revokeToken: { token: given },
    registerAgent: { name: 'a new one', isPublic: false },
    updateAgent: { name: 'another name' },
    createCredential: { name: 'a second secret' },
    rotateCredential: { overlapSeconds: 60 },
    addKey: { publicKey: newKeyPair().publicJwk },
    createResource: { identifier: 'https://shop.example', scopes: ['read'], tokenTtlSeconds: 900 },
    startCheckout: { returnTo: '/billing' },
    cancelSubscription: {},
    resumeSubscription: {},
    openPortal: { returnTo: '/billing' },
    receiveStripeEvent: { id: 'evt_1' },
    signUp: { email: 'new@example.com', password: 'correct horse battery', name: 'Ada' },
    signIn: { email: member.email, password: member.password },
    confirmEmail: { token: 'x' },
    startTwoFactor: { password: member.password },
    confirmTwoFactor: { code: '123456' },
    verifyTwoFactor: { code: '123456' },
    turnOffTwoFactor: { password: member.password, code: '123456' },
    renewRecoveryCodes: { password: member.password, code: '123456' },
    requestPasswordReset: { email: member.email },
    resetPassword: { token: 'x', password: 'correct horse battery' },
    changePassword: { currentPassword: 'not the password', newPassword: 'another horse battery' },
    requestEmailChange: { email: 'next@example.com', password: member.password },
    confirmEmailChange: { token: 'x' },
    updateTenant: { name: 'Acme' },
  };
};
beforeAll(setUp);
afterAll(async () => {
  sockets.destroy();
  await api.close();
});

const honest = ({ id }: Operation): Honest => ({ parameters, body: bodies[id] ?? {} });

let sent = 0;

const identityFor = (operation: Operation | undefined): Record<string, string> => {
  if (operation?.readsSession && operation.isPublic) return { cookie: member.cookie };
  const isClient = operation !== undefined && isForm(operation);
  return { authorization: isClient ? basic(agent.clientId, agent.clientSecret) : `Bearer ${token}` };
};

interface Answer {
  status: number;
  type: string;
  body: Json;
  ms: number;
}

/** Sends it as it stands, which fetch would not. */
const send = async (operation: Operation | undefined, bad: BadRequest): Promise<Answer> => {
  const started = performance.now();
  const { hostname, port } = new URL(api.url);
  const headers: NonNullable<BadRequest['headers']> = {
    origin: DASHBOARD_URL,
    'x-forwarded-for': `10.0.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`,
    ...identityFor(operation),
    ...(operation?.headers.includes('Idempotency-Key') && { 'idempotency-key': `key-${++sent}` }),
    ...(operation?.bodyType && { 'content-type': operation.bodyType }),
    ...(bad.body !== undefined && { 'content-length': String(Buffer.byteLength(bad.body)) }),
    ...bad.headers,
  };
  for (const name of Object.keys(headers)) if (headers[name] === undefined) delete headers[name];
  const { method, path, body } = bad;
  const asked = request({
    hostname,
    port,
    method,
    path,
    headers: headers as OutgoingHttpHeaders,
    agent: sockets,
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  const type = response.headers['content-type'] ?? '';
  return {
    status: response.statusCode!,
    type,
    body: type.includes('json') ? (JSON.parse(text) as Json) : {},
    ms: performance.now() - started,
  };
};

/** What is wrong with the answer; nothing where it is as documented. */
const judge = (
  operation: Operation | undefined,
  path: string,
  { status, type, body, ms }: Answer,
  mayBe: number | undefined,
): string => {
  if (ms > LIMIT_MS) return `took ${ms} ms`;
  if (status === mayBe) return '';
  if (status < 400 || status > 499) return `${status} ${JSON.stringify(body)}`;
  if (operation && !operation.statuses.includes(status)) return `${status} is not documented`;
  const isOAuth = typeof body.error === 'string' && typeof body.error_description === 'string';
  if (path.startsWith('/oauth2/')) return isOAuth ? '' : `no OAuth error, ${type}`;
  const isProblem = type === 'application/problem+json' && body.status === status;
  return isProblem && typeof body.code === 'string' ? '' : `no problem, ${type}`;
};

/** Sends the head of a request and half of its body, and closes; answers what came back. */
const sendHalf = async (operation: Operation, length: string): Promise<string> => {
  const { hostname, port } = new URL(api.url);
  const { method, bodyType } = operation;
  const lines = [
    `${method} ${pathOf(operation, parameters)} HTTP/1.1`,
    'Host: api.test',
    `Origin: ${DASHBOARD_URL}`,
    ...Object.entries(identityFor(operation)).map(([name, value]) => `${name}: ${value}`),
    `Content-Type: ${bodyType}`,
    length,
  ];
  const right = isForm(operation)
    ? 'grant_type=client_credentials&token='
    : JSON.stringify(bodies[operation.id]);
  const chunk = length.startsWith('Transfer') ? `${right.length.toString(16)}\r\n${right}\r\n` : right;
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (data) => (answer += String(data)));
  socket.on('error', () => {});
  socket.end(`${lines.join('\r\n')}\r\n\r\n${chunk}`);
  await once(socket, 'close');
  return answer;
};

/**
 * A hash of every row of every table, but of what counts calls, when a credential was last used, and what tells within
 * a second that a client was refused: that entry, which moves its tenant's head.
 */
const readTables = async (): Promise<Record<string, unknown>> => {
  const tables = await api.sql(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = relnamespace
     where relkind in ('r', 'p') and not relispartition and n.nspname !~ '^pg_|^information_schema$'
     and relname not in ('usage_events', 'audit_heads', 'auth_failures') order by 1`,
  );
  const hashes = tables.map(
    ({ name }) =>
      `(select md5(coalesce(string_agg(row, '|' order by row), ''))
        from (select (to_jsonb(t) - 'last_used_at')::text as row from ${String(name)} t
         where to_jsonb(t) ->> 'action' is distinct from 'auth.failed') rows)`,
  );
  const [row] = await api.sql(`select ${hashes.map((hash, i) => `${hash} as t${i}`).join(', ')}`);
  return Object.fromEntries(tables.map(({ name }, i) => [name, row![`t${i}`]]));
};

/** Sends all of them, four at a time, and expects nothing to have come of it; `mayBe` is another status that is right. */
const expectRefused = async (
  operation: Operation | undefined,
  requests: BadRequest[],
  mayBe: (bad: BadRequest) => number | undefined = () => undefined,
): Promise<void> => {
  const before = await readTables();
  const wrong: string[] = [];
  const waiting = [...requests];
  const work = async (): Promise<void> => {
    for (let bad = waiting.pop(); bad; bad = waiting.pop()) {
      const fault = judge(operation, bad.path, await send(operation, bad), mayBe(bad));
      if (fault) wrong.push(`${bad.what}: ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  expect(wrong).toEqual([]);
  expect(await readTables()).toEqual(before);
};

const withBody = operations.filter(({ bodySchema }) => bodySchema);
const named = (some: Operation[]) => some.map((operation) => [operation.id, operation] as const);
const find = (id: string): Operation => operations.find((operation) => operation.id === id)!;
const isForm = ({ bodyType }: Operation): boolean => bodyType === 'application/x-www-form-urlencoded';

const CLIENT = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];
/** The parameters that each form is read for; those of another grant are none of it. */
const FORMS: [what: string, id: string, names: string[], body: () => Json][] = [
  ['issueToken', 'issueToken', ['grant_type', 'scope', 'resource', ...CLIENT], () => bodies.issueToken!],
  [
    'issueToken, by exchange',
    'issueToken',
    [
      ...['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type'],
      ...['audience', 'resource', 'scope'],
    ],
    () => ({ grant_type: EXCHANGE, subject_token: given, subject_token_type: ACCESS_TOKEN }),
  ],
  ['introspectToken', 'introspectToken', ['token', ...CLIENT], () => bodies.introspectToken!],
  ['revokeToken', 'revokeToken', ['token', ...CLIENT], () => bodies.revokeToken!],
];

describe('Bad input is refused and changes nothing', () => {
  const withJson = withBody.filter((operation) => operation.bodySchema?.properties && !isForm(operation));
  it.each(named(withJson))('the body of %s', async (_id, operation) => {
    await expectRefused(operation, badJson(operation, honest(operation)));
  });

  it.each(FORMS)('the form of %s', async (_what, id, names, body) => {
    const requests = badForm(find(id), { parameters, body: body() }, names);
    // Whatever is no token of ours is not active, and there is nothing to revoke: RFC 7662 2.2, RFC 7009 2.2.
    const anyText = ({ what }: BadRequest) => (what.startsWith('token: ') ? 200 : undefined);
    await expectRefused(find(id), requests, anyText);
  });

  it('the body of receiveStripeEvent, which nobody signed', async () => {
    const operation = find('receiveStripeEvent');
    const { path, method } = operation;
    const texts = ['', '{', '[]', '\0', '{"id":"evt_1"}', Buffer.from([0xff]), ' '.repeat(100_000)];
    const signatures = [
      undefined,
      '',
      't=1',
      `t=${Date.now()},v1=${'0'.repeat(64)}`,
      'v1=,,t',
      'x'.repeat(8_000),
    ];
    const requests = texts.flatMap((body, index) =>
      signatures.map((signature) => ({
        what: `body ${index}, signature ${signature}`,
        method,
        path,
        body,
        headers: { 'stripe-signature': signature },
      })),
    );
    const large = { what: 'too many bytes', method, path, body: ' '.repeat(1024 * 1024 + 1) };
    await expectRefused(operation, [...requests, large]);
  });

  it.each(named(operations.filter(({ query }) => query.length > 0)))(
    'the query of %s',
    async (_id, operation) => {
      await expectRefused(operation, badQueries(operation, honest(operation)));
    },
  );

  it.each(named(operations.filter((operation) => operation.parameters.length > 0)))(
    'the path of %s',
    async (_id, operation) => {
      await expectRefused(operation, badPaths(operation, honest(operation)));
    },
  );

  it.each(named(operations.filter(({ isPublic }) => !isPublic)))(
    'the headers of %s',
    async (_id, operation) => {
      await expectRefused(operation, badHeaders(operation, honest(operation), token));
    },
  );

  it.each(named(operations.filter(isForm)))('the client of %s', async (_id, operation) => {
    await expectRefused(
      operation,
      badClients(operation, honest(operation), [agent.clientId, agent.clientSecret]),
    );
  });

  it('a method that an address does not have', async () => {
    const requests = [...Map.groupBy(operations, ({ path }) => path)].flatMap(([path, some]) => {
      const methods = some.map(({ method }) => method);
      return badMethods(path, methods, { parameters, body: {} });
    });
    await expectRefused(undefined, requests);
  });

  it('a body that ends before its length', async () => {
    const before = await readTables();
    for (const operation of withBody) {
      for (const length of ['Content-Length: 60000', 'Transfer-Encoding: chunked']) {
        expect(await sendHalf(operation, length)).toMatch(/^$|^HTTP\/1\.1 400 /);
      }
    }
    expect(await readTables()).toEqual(before);
  });

  it.each(named(withJson))('Server owned fields are refused: %s', async (_id, operation) => {
    const before = await readTables();
    const owned = { tenantId: member.tenantId, role: 'owner', tier: 'paid', status: 'active' };
    for (const [name, value] of Object.entries(owned)) {
      expect(operation.bodySchema!.properties).not.toHaveProperty(name);
      const { method } = operation;
      const body = JSON.stringify({ ...honest(operation).body, [name]: value });
      const answer = await send(operation, { what: name, method, path: pathOf(operation, parameters), body });
      expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
      expect(answer.body.errors).toEqual([
        { path: 'body', message: `The request body has an unknown field: ${name}.` },
      ]);
    }
    expect(await readTables()).toEqual(before);
  });

  // The last, for it changes what the others compare. They have guessed the member's password too often.
  it('and what was right of it is taken', async () => {
    await api.close();
    await setUp();
    for (const operation of withBody) {
      const { body } = honest(operation);
      const text = isForm(operation)
        ? new URLSearchParams(body as Record<string, string>).toString()
        : JSON.stringify(body);
      const path = pathOf(operation, parameters);
      const { status } = await send(operation, { what: '', method: operation.method, path, body: text });
      // Nothing is sold here, Stripe signed nothing, and no mail has the link. A right password would end the session.
      const expected = {
        startCheckout: 503,
        cancelSubscription: 503,
        resumeSubscription: 503,
        openPortal: 503,
        receiveStripeEvent: 400,
        confirmEmail: 400,
        confirmEmailChange: 400,
        resetPassword: 400,
        changePassword: 403,
        confirmTwoFactor: 400,
        verifyTwoFactor: 400,
        turnOffTwoFactor: 400,
        renewRecoveryCodes: 400,
      }[operation.id];
      expect([operation.id, status]).toEqual([operation.id, expected ?? expect.toBeOneOf([200, 201, 204])]);
    }
    expect(api.logs.filter(({ status }) => Number(status) >= 500)).toHaveLength(4);
  });
});
