import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { scopes } from '../src/platform/principal.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair } from './support/assertions.ts';
import { basic, call, grantResources, registerAgent, requestToken } from './support/callers.ts';
import type { Json, Reply, TestAgent, TestMember } from './support/callers.ts';
import { anyOf, edgesOf, lengthsOf } from './support/edge-values.ts';
import type { JsonText } from './support/edge-values.ts';
import { operations, pathOf } from './support/operations.ts';
import type { Operation, Schema } from './support/operations.ts';
import { signUpConfirmed } from './support/two-factor.ts';

/** A write that takes values: what is right of it, what else its fields can be, and how what it made is removed. */
interface Write {
  body: () => Record<string, JsonText>;
  /** Values of a field that follow from no schema. */
  more?: () => Record<string, JsonText[]>;
  /** The operation that ends what was made, and the name of its id. */
  undo?: { operation: string; id: string };
}

let api: TestApi;
let member: TestMember;
let agent: TestAgent;
let parameters: Record<string, string>;

beforeAll(async () => {
  // The first value of a schema takes seconds, in which an idle connection would be closed.
  for (const { bodySchema } of operations) {
    for (const schema of Object.values(bodySchema?.properties ?? {})) fc.sample(anyOf(schema), 1);
  }
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
});
beforeEach(async () => {
  member = await signUpConfirmed(api);
  // More than ten agents are made here.
  await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [member.tenantId]);
  agent = await registerAgent(api, member, [...scopes]);
  parameters = { agentId: agent.agentId, credentialId: agent.credentialId };
});
afterAll(() => api.close());

let count = 0;
const unique = (): string => `${Date.now()}-${++count}`;
const quote = (text: string): JsonText => JSON.stringify(text);
const keys = (['ES256', 'EdDSA', 'RS256'] as const).map((algorithm) => newKeyPair(algorithm).publicJwk);
const email = () => quote(`${unique()}@example.com`);
const owners = () => [member.userId, 'usr_00000000000000000000000000', 'usr_', member.tenantId].map(quote);

const URIS = [
  ...['urn:a:b', 'a:b', 'a+b-c.1:!', 'https://x', 'HTTPS://X/%zz', 'https://x/?a=b&a=b', 'data:,', 'x:%00'],
  ...[
    'https://ü.example',
    'https://user:pass@x',
    'https://x/#',
    `https://x/${'y'.repeat(246)}`,
    '//x',
    'file:///',
  ],
  ...['https://[::1]:1/', 'https://1', 'javascript:alert(1)', 'x:\\', 'x:"', `x:${'😀'.repeat(127)}`],
];

const writes: Readonly<Record<string, Write>> = {
  registerAgent: {
    body: () => ({ name: quote(unique()) }),
    more: () => ({ owner: owners() }),
    undo: { operation: 'decommissionAgent', id: 'agentId' },
  },
  updateAgent: { body: () => ({}), more: () => ({ owner: owners() }) },
  createCredential: { body: () => ({}), undo: { operation: 'revokeCredential', id: 'credentialId' } },
  rotateCredential: { body: () => ({}) },
  addKey: {
    body: () => ({ publicKey: JSON.stringify(newKeyPair().publicJwk) }),
    more: () => ({
      publicKey: keys.flatMap((jwk) =>
        [{}, { alg: '\0' }, { kid: '\ud800' }, { x5c: ['\0'] }, { use: 'sig' }, { n: 1e308 }].map((extra) =>
          JSON.stringify({ ...jwk, ...extra }),
        ),
      ),
    }),
    undo: { operation: 'revokeCredential', id: 'credentialId' },
  },
  createResource: {
    body: () => ({ identifier: quote(`urn:test:${unique()}`), scopes: '["read"]' }),
    more: () => ({ identifier: URIS.map(quote) }),
    undo: { operation: 'deleteResource', id: 'resourceId' },
  },
  signUp: {
    body: () => ({ email: email(), password: quote('correct horse battery') }),
    more: () => ({ email: [`"${'x'.repeat(242)}@example.com"`, '"A@EXAMPLE.COM"', '"a@xn--a.example"'] }),
  },
  signIn: { body: () => ({ email: quote(member.email), password: quote(member.password) }) },
  issueToken: { body: () => ({ grant_type: quote('client_credentials') }) },
  confirmEmail: { body: () => ({ token: quote('none') }) },
  startTwoFactor: { body: () => ({ password: quote(member.password) }) },
  confirmTwoFactor: { body: () => ({ code: quote('123456') }) },
  verifyTwoFactor: { body: () => ({ code: quote('123456') }) },
  turnOffTwoFactor: { body: () => ({ password: quote(member.password), code: quote('123456') }) },
  renewRecoveryCodes: { body: () => ({ password: quote(member.password), code: quote('123456') }) },
  requestPasswordReset: { body: () => ({ email: email() }) },
  resetPassword: { body: () => ({ token: quote('none'), password: quote('correct horse battery') }) },
  requestEmailChange: { body: () => ({ email: email(), password: quote(member.password) }) },
  confirmEmailChange: { body: () => ({ token: quote('none') }) },
  updateTenant: { body: () => ({ name: quote(unique()) }) },
  introspectToken: { body: () => ({ token: quote('none') }) },
  revokeToken: { body: () => ({ token: quote('none') }) },
};

/** Writes that take no value of a caller, or have tests of their own. */
const OTHERS: Readonly<Record<string, string>> = {
  decommissionAgent: 'takes nothing',
  suspendAgent: 'takes nothing',
  reactivateAgent: 'takes nothing',
  revokeCredential: 'takes nothing',
  endCredentialOverlap: 'takes nothing',
  deleteResource: 'takes nothing',
  signOut: 'takes nothing',
  startCheckout: 'subscription-life.test.ts: which pages it returns to',
  openPortal: 'subscription-life.test.ts: which pages it returns to',
  cancelSubscription: 'takes nothing',
  resumeSubscription: 'takes nothing',
  endOtherSessions: 'takes nothing',
  endSession: 'takes nothing',
  requestVerification: 'takes nothing',
  changePassword: 'passwords.test.ts: each change ends the session that asked for it',
  receiveStripeEvent: 'webhook.test.ts: each event is signed',
};

/** Reads whose address nothing here makes, or that ask Stripe. */
const OTHER_READS = ['getCheckout', 'listInvoices'];

const find = (id: string): Operation => operations.find((operation) => operation.id === id)!;
const isForm = ({ bodyType }: Operation): boolean => bodyType?.includes('form') ?? false;

const objectOf = (members: Record<string, JsonText>): JsonText =>
  `{${Object.entries(members).map(([name, text]) => `${quote(name)}:${text}`)}}`;

/** A form has text alone. */
const formOf = (members: Record<string, JsonText>): URLSearchParams => {
  const texts = Object.entries(members).map(([name, text]) => [name, String(JSON.parse(text))] as const);
  return new URLSearchParams(Object.fromEntries(texts));
};

const send = (operation: Operation, body?: Record<string, JsonText>, ids = parameters, key?: string) =>
  call(api, pathOf(operation, ids), {
    method: operation.method,
    headers: {
      origin: DASHBOARD_URL,
      ...(isForm(operation)
        ? { authorization: basic(agent.clientId, agent.clientSecret) }
        : { cookie: member.cookie }),
      ...(operation.bodyType && { 'content-type': operation.bodyType }),
      ...(key && { 'idempotency-key': key }),
    },
    ...(body && { body: isForm(operation) ? formOf(body) : objectOf(body) }),
  });

/** On a busy machine Postgres may give no connection in time. That says nothing about what was written. */
const read = async (operation: Operation, ids: typeof parameters): Promise<Reply> => {
  let reply = await send(operation, undefined, ids);
  for (let tries = 1; reply.status === 503 && tries < 10; tries++) {
    reply = await send(operation, undefined, ids);
  }
  return reply;
};

/** Every read of the tenant answers, whatever was written; what is gone may be 404. */
const expectReadable = async (ids = parameters): Promise<void> => {
  const reads = operations.filter(
    ({ method, id, isPublic }) => method === 'GET' && !isPublic && !OTHER_READS.includes(id),
  );
  const replies = await Promise.all(
    reads.map(async (operation) => [operation.id, await read(operation, ids)] as const),
  );
  expect(replies.filter(([, { status }]) => status !== 200).map(([id, { text }]) => [id, text])).toEqual([]);
};

const expectClearRefusal = ({ status, body, text }: Reply): void => {
  expect({ status, text }).toEqual({ status: expect.toSatisfy((n: number) => n >= 400 && n < 500), text });
  const detail = body.detail ?? body.error_description;
  expect([text, typeof detail === 'string' && detail.length > 10]).toEqual([text, true]);
};

/** A secret that was just made, and a service that was just named, are good for a token. */
const expectUsable = async ({ clientId, clientSecret, identifier, scopes: granted }: Json): Promise<void> => {
  if (clientSecret === undefined && identifier === undefined) return;
  const authorization = basic(
    (clientId ?? agent.clientId) as string,
    (clientSecret ?? agent.clientSecret) as string,
  );
  if (identifier !== undefined)
    await grantResources(member, agent, { [identifier as string]: granted as string[] });
  const form = {
    grant_type: 'client_credentials',
    ...(identifier !== undefined && { resource: identifier as string }),
  };
  const { status, text } = await requestToken(api, authorization, form);
  expect([status, text]).toEqual([200, text]);
};

interface Made {
  ids: Record<string, string>;
  body: Json;
}

/** Writes it. What is refused is refused clearly; what is taken is answered again under its key. */
const write = async (id: string, body: Record<string, JsonText>): Promise<Made | undefined> => {
  const operation = find(id);
  const key = operation.headers.includes('Idempotency-Key') ? unique() : undefined;
  const reply = await send(operation, body, parameters, key);
  if (reply.status >= 300) {
    expectClearRefusal(reply);
    return undefined;
  }
  if (key) expect((await send(operation, body, parameters, key)).text).toBe(reply.text);
  if (id === 'rotateCredential') agent = { ...agent, clientSecret: reply.body.clientSecret as string };
  const { undo } = writes[id]!;
  return {
    ids: undo ? { ...parameters, [undo.id]: reply.body[undo.id] as string } : parameters,
    body: reply.body,
  };
};

/** Reads, uses and ends what was made. */
const finish = async (id: string, made: Made[]): Promise<void> => {
  if (made.length > 0) await expectReadable(made[0]!.ids);
  const { undo } = writes[id]!;
  // A change of what was there already leaves the last one alone in force.
  for (const { ids, body } of undo ? made : made.slice(-1)) {
    await expectUsable(body);
    if (undo) expect((await send(find(undo.operation), undefined, ids)).status).toBe(204);
  }
};

const fields = (id: string) => Object.entries(find(id).bodySchema!.properties ?? {});

it('each write is tried or named, and each read has an address', () => {
  const known = [...Object.keys(writes), ...Object.keys(OTHERS)];
  expect(known.sort()).toEqual(
    operations
      .filter(({ method }) => method !== 'GET')
      .map(({ id }) => id)
      .sort(),
  );
  const unknown = operations.filter(
    (read) =>
      read.method === 'GET' &&
      !OTHER_READS.includes(read.id) &&
      read.parameters.some((name) => !(name in parameters)),
  );
  expect(unknown).toEqual([]);
});

const valuesOf = (id: string, name: string, schema: Schema): JsonText[] => [
  ...(writes[id]!.more?.()[name] ?? []),
  // A password costs a tenth of a second.
  ...(id.startsWith('sign') ? lengthsOf(schema) : edgesOf(schema)),
];

/** A bound, and no promise: each request is judged by its answer. */
const timeout = 300_000;
/** An agent has ten live credentials, two of them its own; a list shows all that was made. */
const BATCH = 8;

describe('What is accepted can be answered', () => {
  const withJson = Object.entries(writes).filter(([id]) => !isForm(find(id)));
  it.each(withJson)('every edge of %s', { timeout }, async (id, { body }) => {
    for (const [name, schema] of fields(id)) {
      const made: Made[] = [];
      for (const value of new Set(valuesOf(id, name, schema))) {
        const one = await write(id, { ...body(), [name]: value });
        if (one) made.push(one);
        if (made.length === BATCH) await finish(id, made.splice(0));
      }
      await finish(id, made);
    }
    await expectReadable();
  });

  it.each(Object.entries(writes))('any values of %s together', { timeout }, async (id, { body }) => {
    const values = fields(id).map(([name, schema]) => {
      const edges = fc.constantFrom(...valuesOf(id, name, schema));
      return [name, fc.oneof(edges, anyOf(schema))] as const;
    });
    const some = fc.record<Record<string, JsonText>>(Object.fromEntries(values), { requiredKeys: [] });
    const property = fc.asyncProperty(some, async (changes) => {
      const made = await write(id, { ...body(), ...(changes as Record<string, JsonText>) });
      if (made) await finish(id, [made]);
    });
    await fc.assert(property, { numRuns: 4 });
    await expectReadable();
  });
});

describe('The database refuses what no answer holds', () => {
  it.each(['9999-12-31T23:59:59-00:01', '9999-12-31T00:01:00-23:59'])(
    'as the API does: %s',
    async (expiresAt) => {
      const refused = await member.post(`/agents/${agent.agentId}/credentials`, { expiresAt });
      expect([refused.status, refused.body.code]).toEqual([400, 'validation_failed']);
      expect(refused.body.detail).toEqual(expect.stringMatching(/must be before the year 10000 in UTC\.$/));
    },
  );

  it.each(['10000-01-01T00:00Z', 'infinity', '-infinity', '0001-01-01T00:00Z BC'])(
    '%s',
    async (expiresAt) => {
      const change = api.sql('update credentials set expires_at = $1 where agent_id = $2', [
        expiresAt,
        agent.agentId,
      ]);
      await expect(change).rejects.toThrow(/credentials_expires_at_check/);
    },
  );
});
