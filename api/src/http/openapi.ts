import { z } from 'zod';
import { problemKinds, type ProblemCode } from '../platform/problem.ts';
import { answerDocument, type Document } from './documents.ts';
import { mayBeAbsent } from './body.ts';
import { hasScopes, routesOf, type Route } from './route.ts';

const { publicRoute } = routesOf('health');

type Json = Record<string, unknown>;

const problemSchema = z
  .looseObject({
    type: z.url().meta({ description: 'The page that explains this code.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What happened and what to do next, for a human reader.' }),
    code: z.enum(Object.keys(problemKinds) as [ProblemCode, ...ProblemCode[]]),
    requestId: z.string(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

const oauthErrorSchema = z
  .object({ error: z.string(), error_description: z.string() })
  .meta({ id: 'OAuthError', description: 'RFC 6749 section 5.2' });

const limitFields = {
  error: z.string().meta({ description: 'The same as `code`.' }),
  window: z.int().nullable().meta({
    description: 'The length of the window in seconds; 86400 is a UTC day. `null`: the limit has no window.',
  }),
  resetsAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'When the window resets. `null`: the limit has no window.' }),
  retryable: z.boolean().meta({
    description: 'Whether the same request can succeed after `resetsAt` if you change nothing else.',
  }),
};

/** Each 429. */
const limitSchema = problemSchema
  .extend({
    ...limitFields,
    limit: z.enum(['agents', 'api_calls']).optional(),
    max: z.int().optional(),
    used: z.int().optional(),
    upgradeUrl: z.url().optional(),
  })
  .meta({ id: 'LimitProblem', description: 'RFC 9457, for a limit that is reached' });

const oauthLimitSchema = oauthErrorSchema
  .extend(limitFields)
  .meta({ id: 'OAuthLimitError', description: 'RFC 6749 section 5.2, for a limit that is reached' });

/** Schemas with an id become components. The others are printed inline. */
const createSchemas = () => {
  const components: Json = {};
  const rehome = ({ id: _id, ...schema }: Json): Json =>
    JSON.parse(JSON.stringify(schema).replaceAll('#/$defs/', '#/components/schemas/')) as Json;
  const print = (schema: z.ZodType, io: 'input' | 'output'): Json => {
    const { $schema: _schema, $defs = {}, ...root } = z.toJSONSchema(schema, { io }) as Json;
    for (const [name, definition] of Object.entries($defs as Json))
      components[name] = rehome(definition as Json);
    return rehome(root);
  };
  return { components, print };
};

type Printer = ReturnType<typeof createSchemas>['print'];

const IDEMPOTENCY_KEY =
  'If you repeat the request within 24 hours with the same key and body, you get the first response again.';

const headerParameters = ({ requestHeaders, repeatable }: Route): Json[] =>
  Object.entries({ ...requestHeaders, ...(repeatable && { 'Idempotency-Key': IDEMPOTENCY_KEY }) }).map(
    ([name, description]) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: { type: 'string' },
    }),
  );

const parametersOf = ({ params, query }: Route, print: Printer): Json[] =>
  [
    { schema: params, where: 'path' },
    { schema: query, where: 'query' },
  ].flatMap(({ schema, where }) => {
    if (!schema) return [];
    const { properties = {}, required = [] } = print(schema, 'input') as {
      properties?: Json;
      required?: string[];
    };
    return Object.entries(properties).map(([name, property]) => {
      const { description, ...rest } = property as Json;
      return { name, in: where, required: required.includes(name), description, schema: rest };
    });
  });

/** The problems that a route can return in addition to its own, depending on its access and input. */
const commonProblems = (route: Route): ProblemCode[] => [
  ...(route.fromDashboard ? (['origin_not_allowed'] as const) : []),
  ...(route.access === 'session' ? (['unauthorized'] as const) : []),
  ...(hasScopes(route) ? (['unauthorized', 'forbidden', 'rate_limited'] as const) : []),
  ...(route.params || route.query || route.body ? (['validation_failed'] as const) : []),
  ...(route.body ? (['malformed_json', 'content_too_large', 'unsupported_media_type'] as const) : []),
  ...(route.repeatable ? (['idempotency_key_reused', 'idempotent_answer_gone', 'daily_limit'] as const) : []),
  ...(route.billing ? (['billing_disabled'] as const) : []),
  ...(route.rawBody ? (['invalid_request', 'content_too_large', 'unsupported_media_type'] as const) : []),
  'internal_error',
  'service_unavailable',
];

const errorResponses = (route: Route, print: Printer): Json => {
  const codes = [...new Set([...(route.problems ?? []), ...commonProblems(route)])];
  if (hasScopes(route) && !route.neverRefused) codes.push('agent_limit', 'free_tier_limit');
  const byStatus = Map.groupBy(new Set(codes), (code) => problemKinds[code].status);
  const oauth = route.errors === 'oauth';
  const contentOf = (status: number): Json =>
    oauth
      ? {
          'application/json': {
            schema: print(status === 429 ? oauthLimitSchema : oauthErrorSchema, 'output'),
          },
        }
      : {
          'application/problem+json': {
            schema: print(status === 429 ? limitSchema : problemSchema, 'output'),
          },
        };
  return Object.fromEntries(
    [...byStatus].map(([status, kinds]) => [
      status,
      { description: oauth ? 'RFC 6749 error' : kinds.join(', '), content: contentOf(status) },
    ]),
  );
};

const securityOf = ({ access }: Route): Json[] => {
  if (access === 'public') return [];
  return access === 'session' ? [{ session: [] }] : [{ bearer: [...access] }, { session: [] }];
};

const operation = (route: Route, print: Printer): Json => {
  const bodyType = route.bodyType === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.tag],
    security: securityOf(route),
    parameters: [...parametersOf(route, print), ...headerParameters(route)],
    ...(route.body && {
      requestBody: {
        required: !mayBeAbsent(route),
        content: { [bodyType]: { schema: print(route.body, 'input') } },
      },
    }),
    ...(route.rawBody && {
      requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' } } } },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.responses).map(([status, { description, schema }]) => [
          status,
          schema
            ? {
                description,
                content: {
                  'application/json': { schema: print(schema, 'output') },
                  ...(route.csv && status === '200' && { 'text/csv': { schema: { type: 'string' } } }),
                },
              }
            : { description },
        ]),
      ),
      ...errorResponses(route, print),
    },
  };
};

/** The OpenAPI 3.1 document of these routes. */
export const printOpenApi = (routes: readonly Route[], version: string): Json => {
  const { components, print } = createSchemas();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route, print) };
  }
  const sorted = Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    openapi: '3.1.0',
    info: {
      title: 'SentryAgent API',
      version,
      description: 'Identities, short-lived tokens, usage and billing for software agents.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: sorted,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'at+jwt' },
        session: { type: 'apiKey', in: 'cookie', name: 'sentryagent' },
      },
    },
  };
};

/** Serves the document of all routes, including this one. */
export const openApiRoute = (document: () => Document): Route =>
  publicRoute({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'Get this OpenAPI document',
    responses: {
      200: { description: 'OpenAPI 3.1', schema: z.looseObject({}) },
      304: { description: 'Not modified', schema: null },
    },
    handle: async (_deps, request) => answerDocument(document(), request),
  });
