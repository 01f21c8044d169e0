import { readFileSync } from 'node:fs';
import { call } from './callers.ts';
import type { Json, Reply } from './callers.ts';
import type { TestApi } from './api.ts';

/** As much of JSON Schema as the document makes use of. */
export interface Schema {
  type?: string;
  anyOf?: Schema[];
  enum?: string[];
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

interface Documented {
  operationId: string;
  security: { bearer?: string[]; session?: [] }[];
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { required: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, unknown>;
}

interface Document {
  paths: Record<string, Record<string, Documented>>;
  components: { schemas: Record<string, Schema> };
}

/** An operation as the committed document tells it. */
export interface Operation {
  id: string;
  method: string;
  /** With `{name}` for each parameter. */
  path: string;
  /** Asks for no scope. */
  isPublic: boolean;
  readsSession: boolean;
  /** All of them are needed. */
  scopes: string[];
  parameters: string[];
  query: { name: string; schema: Schema }[];
  /** Those that it reads beside the usual ones. */
  headers: string[];
  bodySchema: Schema | undefined;
  /** Whether its body may be left out. */
  bodyIsOptional: boolean;
  /** The media type of its body, if it has one. */
  bodyType: string | undefined;
  statuses: number[];
}

const document = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')) as Document;

/** The schema with every component that it refers to in its place. */
const resolve = (schema: Schema): Schema =>
  JSON.parse(JSON.stringify(schema), (_key, value: { $ref?: string } | undefined) =>
    value?.$ref ? document.components.schemas[value.$ref.split('/').at(-1)!] : value,
  ) as Schema;

export const operations: Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, { operationId, security, parameters = [], requestBody, responses }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path,
      isPublic: !security.some(({ bearer }) => bearer),
      readsSession: security.some(({ session }) => session),
      scopes: security.flatMap(({ bearer }) => bearer ?? []),
      parameters: parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name),
      query: parameters.filter((parameter) => parameter.in === 'query'),
      headers: parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name),
      bodySchema: requestBody && resolve(Object.values(requestBody.content)[0]!.schema),
      bodyIsOptional: requestBody?.required === false,
      bodyType: requestBody && Object.keys(requestBody.content)[0],
      statuses: Object.keys(responses).map(Number),
    }),
  ),
);

export const pathOf = ({ path }: Operation, values: Readonly<Record<string, string>>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(values[name] ?? 'none'));

/** Sends an operation as its document says, with these parameters and this body. */
export const send = (
  api: Pick<TestApi, 'url'>,
  operation: Operation,
  request: { headers: Record<string, string>; parameters?: Readonly<Record<string, string>>; body?: Json },
): Promise<Reply> =>
  call(api, pathOf(operation, request.parameters ?? {}), {
    method: operation.method,
    headers: { ...(operation.bodyType && { 'content-type': operation.bodyType }), ...request.headers },
    ...(operation.bodyType && {
      body:
        operation.bodyType === 'application/json'
          ? JSON.stringify(request.body ?? {})
          : new URLSearchParams((request.body ?? {}) as Record<string, string>),
    }),
  });
