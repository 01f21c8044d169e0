import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentDetails, agentFilter, agentSchema } from '../../src/http/agent-shapes.ts';
import { clientFields, tokenFields } from '../../src/http/client-authentication/fields.ts';
import { credentialTerms } from '../../src/http/credential-terms.ts';
import { toDocument } from '../../src/http/documents.ts';
import { openApiRoute, printOpenApi } from '../../src/http/openapi.ts';
import { pageQuery, pageSchema } from '../../src/http/paging.ts';
import { identifier } from '../../src/http/resource-shapes.ts';
import { hasScopes, routesOf } from '../../src/http/route.ts';
import type { Route } from '../../src/http/route.ts';
import { problemKinds } from '../../src/platform/problem.ts';

const { publicRoute, scopedRoute, sessionRoute } = routesOf('x');

/** Also compared: parts of the document that is committed, which developers read. */
const committed = JSON.parse(
  readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'),
) as Document;

interface Operation {
  parameters: unknown[];
  security: unknown[];
  requestBody?: { content: Record<string, { schema: { properties: Record<string, unknown> } }> };
  responses: Record<string, { description: string; content?: object }>;
}
interface Document {
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

const handle = async () => ({ status: 200 });
const base = {
  method: 'get',
  path: '/x',
  operationId: 'x',
  summary: 'X',
  problems: [],
  handle,
} as const;
const responses = { 204: { description: 'Done', schema: null } };
const body = z.object({ a: z.string() });

const print = (...routes: Route[]): Document => printOpenApi(routes, '1.2.3') as unknown as Document;
const operationOf = (route: Route): Operation => Object.values(print(route).paths)[0]![route.method]!;
const problemsOf = (route: Route): Record<string, string> =>
  Object.fromEntries(
    Object.entries(operationOf(route).responses).map(([status, { description }]) => [status, description]),
  );
const always = { 500: 'internal_error', 503: 'service_unavailable' };

describe('the OpenAPI document', () => {
  it('says what it describes', () => {
    const { paths, components, ...head } = print();
    const { paths: _paths, components: theirs, ...others } = committed;
    expect(head).toEqual({ ...others, info: { ...others.info, version: '1.2.3' } });
    expect([paths, components]).toEqual([{}, { ...theirs, schemas: {} }]);
  });

  it('has a document route, which serves it', async () => {
    const document = toDocument({ openapi: '3.1.0' });
    const route = openApiRoute(() => document);
    expect(print(route).paths['/openapi.json']).toEqual(committed.paths['/openapi.json']);
    expect(print(route).components.schemas.Problem).toEqual(committed.components.schemas.Problem);
    expect(await route.handle({} as never, { headers: {} } as never)).toMatchObject({ json: document.json });
  });

  it('has each method of a path', () => {
    const path = '/agents/:agentId/keys/:keyId';
    const { paths } = print(
      publicRoute({ ...base, path, responses }),
      publicRoute({ ...base, path, method: 'delete', operationId: 'y', responses }),
    );
    expect(Object.keys(paths)).toEqual(['/agents/{agentId}/keys/{keyId}']);
    expect(Object.keys(Object.values(paths)[0]!)).toEqual(['get', 'delete']);
  });

  it('lists the schemas that have a name by that name, in its order', () => {
    const inner = z.object({ b: z.string() }).meta({ id: 'Beta' });
    const outer = z.object({ inner }).meta({ id: 'Zeta' });
    const route = publicRoute({
      ...{ ...base, access: 'public' },
      responses: { 200: { description: 'Yes', schema: outer }, 201: { description: 'Both', schema: inner } },
    });
    const { components, paths } = print(route);
    const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
    expect(Object.keys(components.schemas)).toEqual(['Beta', 'Problem', 'Zeta']);
    expect(components.schemas.Zeta).toEqual({
      ...{ type: 'object', properties: { inner: reference('Beta') }, required: ['inner'] },
      additionalProperties: false,
    });
    expect(paths['/x']!.get!.responses['200']).toEqual({
      description: 'Yes',
      content: { 'application/json': { schema: reference('Zeta') } },
    });
  });
});

describe('an operation of it', () => {
  it('that is public answers no more than its own, and that something is wrong with us', () => {
    const route = publicRoute({ ...base, responses, problems: ['not_found', 'key_taken'] });
    expect(problemsOf(route)).toEqual({ 204: 'Done', 404: 'not_found', 409: 'key_taken', ...always });
    expect(operationOf(route)).toMatchObject({
      operationId: 'x',
      summary: 'X',
      tags: ['x'],
      security: [],
      parameters: [],
    });
    expect(operationOf(route)).not.toHaveProperty('requestBody');
    expect(operationOf(route).responses['204']).toEqual({ description: 'Done' });
  });

  it('for sessions needs one', () => {
    const route = sessionRoute({ ...base, responses });
    expect(problemsOf(route)).toEqual({ 204: 'Done', 401: 'unauthorized', ...always });
    expect([operationOf(route).security, hasScopes(route)]).toEqual([[{ session: [] }], false]);
  });

  it('with scopes needs a token or a session, and may meet a limit', () => {
    const route = scopedRoute({ ...base, access: ['agents:read', 'audit:read'], responses });
    const refusals = { 401: 'unauthorized', 403: 'forbidden' };
    expect(problemsOf(route)).toEqual({
      204: 'Done',
      ...refusals,
      429: 'rate_limited, agent_limit, free_tier_limit',
      ...always,
    });
    expect(operationOf(route).security).toEqual([{ bearer: ['agents:read', 'audit:read'] }, { session: [] }]);
    expect(hasScopes(route)).toBe(true);
    expect(problemsOf({ ...route, neverRefused: true })).toMatchObject({ 429: 'rate_limited' });
  });

  it('that can be repeated takes a key, and headers have words', () => {
    const route = scopedRoute({
      ...{ ...base, access: ['agents:read'], repeatable: 'answer', billing: 'enabled', responses },
      requestHeaders: { 'If-Match': 'The ETag.' },
    });
    const header = { in: 'header', required: false, schema: { type: 'string' } };
    expect(operationOf(route).parameters).toEqual([
      { name: 'If-Match', description: 'The ETag.', ...header },
      { name: 'Idempotency-Key', description: expect.stringContaining('within 24 hours'), ...header },
    ]);
    expect(problemsOf(route)).toMatchObject({
      404: 'billing_disabled',
      409: 'idempotent_answer_gone',
      422: 'idempotency_key_reused',
      429: 'rate_limited, daily_limit, agent_limit, free_tier_limit',
    });
  });

  it.each<[what: string, parts: Partial<Route>, type: string, required: boolean]>([
    ['JSON', { body }, 'application/json', true],
    ['JSON that may be absent', { body: body.partial() }, 'application/json', false],
    ['a form', { body, bodyType: 'form' }, 'application/x-www-form-urlencoded', true],
    [
      'a form of optional fields',
      { body: body.partial(), bodyType: 'form' },
      'application/x-www-form-urlencoded',
      true,
    ],
    ['bytes', { rawBody: true }, 'application/json', true],
  ])('takes a body: %s', (_what, parts, type, required) => {
    const route = { ...publicRoute({ ...base, responses }), ...parts };
    const { requestBody } = operationOf(route);
    expect(requestBody).toMatchObject({ required, content: { [type]: { schema: { type: 'object' } } } });
    const wrong = parts.rawBody ? 'invalid_request' : 'validation_failed, malformed_json';
    expect(problemsOf(route)).toMatchObject({
      ...{ 400: wrong, 413: 'content_too_large', 415: 'unsupported_media_type' },
    });
  });

  it('lists its parameters, with the words beside the schema', () => {
    const params = z.strictObject({ agentId: z.string() });
    const query = z.strictObject({
      q: z.string().optional().meta({ description: 'Words.' }),
      all: z.string(),
    });
    const route = publicRoute({ ...base, responses, params, query });
    const schema = { type: 'string' };
    expect(JSON.parse(JSON.stringify(operationOf(route).parameters))).toEqual([
      { name: 'agentId', in: 'path', required: true, schema },
      { name: 'q', in: 'query', required: false, description: 'Words.', schema },
      { name: 'all', in: 'query', required: true, schema },
    ]);
    expect(problemsOf(route)).toMatchObject({ 400: 'validation_failed' });
    expect(problemsOf({ ...route, query: undefined as never })).toMatchObject({ 400: 'validation_failed' });
    expect(problemsOf({ ...route, params: undefined as never })).toMatchObject({ 400: 'validation_failed' });
  });

  it('of OAuth has errors of OAuth', () => {
    const route = publicRoute({ ...base, errors: 'oauth', responses });
    expect(problemsOf(route)).toEqual({ 204: 'Done', 500: 'RFC 6749 error', 503: 'RFC 6749 error' });
    expect(operationOf(route).responses['500']!.content).toEqual({
      'application/json': { schema: { $ref: '#/components/schemas/OAuthError' } },
    });
    expect(print(route).components.schemas.OAuthError).toEqual(committed.components.schemas.OAuthError);
  });

  it('has every error of ours as a problem', () => {
    const { content } = operationOf(publicRoute({ ...base, responses })).responses['500']!;
    expect(content).toEqual({
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    });
    expect(committed.components.schemas.Problem).toMatchObject({
      properties: { code: { enum: Object.keys(problemKinds) } },
    });
  });
});

describe('what developers read of the shapes is what they are', () => {
  const fieldsOf = (operation: Operation): object =>
    Object.values(operation.requestBody!.content)[0]!.schema.properties;
  const printed = (fields: z.ZodRawShape): object =>
    fieldsOf(operationOf(publicRoute({ ...base, responses, body: z.object(fields) })));

  it.each<[what: string, path: string, fields: z.ZodRawShape]>([
    ['an agent', '/agents', agentDetails],
    ['a credential', '/agents/{agentId}/credentials', credentialTerms],
    ['a client', '/oauth2/token', clientFields],
    ['a token', '/oauth2/introspect', tokenFields],
    ['a resource', '/resources', { identifier }],
  ])('%s', (_what, path, fields) => {
    const theirs = new Map(Object.entries(fieldsOf(committed.paths[path]!.post!)));
    for (const [name, schema] of Object.entries(printed(fields))) {
      expect([name, theirs.get(name)]).toEqual([name, schema]);
    }
  });

  it('a page of agents', () => {
    const route = publicRoute({
      ...{ ...base, query: z.strictObject({ ...pageQuery, ...agentFilter }) },
      responses: { 200: { description: 'A page', schema: pageSchema(agentSchema, 'AgentPage') } },
    });
    const { paths, components } = print(route);
    expect(JSON.parse(JSON.stringify(paths['/x']!.get!.parameters))).toEqual(
      committed.paths['/agents']!.get!.parameters,
    );
    for (const name of ['Agent', 'AgentPage', 'Scope']) {
      expect(components.schemas[name]).toEqual(committed.components.schemas[name]);
    }
  });
});
