import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { inOrder } from './form.ts';
import type { Tree } from './form.ts';

/** A node of Stripe's OpenAPI document. */
interface Node {
  [name: string]: unknown;
}

/**
 * Operations that the pruned document lacks, derived from others: those of one portal configuration return the same
 * object, and an update has the parameters of a creation, all optional.
 */
const BORROWED: Record<string, { request?: string; response: string }> = {
  'get /v1/billing_portal/configurations/{configuration}': { response: 'billing_portal.configuration' },
  'post /v1/billing_portal/configurations/{configuration}': {
    request: '/v1/billing_portal/configurations',
    response: 'billing_portal.configuration',
  },
};

/** Fields in the SDK's API version that the document does not have, because it is one release older. */
const NEWER: Record<string, string[]> = {
  recurring: ['trial_period_days'],
  subscriptions_resource_trial_settings_end_behavior: ['billing_cycle_anchor'],
};

/** Operations and objects that the pruned document lacks. The SDK's types alone check them. */
const UNCHECKED_OPERATIONS = ['get /v1/charges', 'get /v1/charges/{charge}'];
const UNCHECKED_OBJECTS = ['charge', 'dispute'];

/** Parameters that only an update has. */
const ONLY_IN_UPDATE: Node = { active: { type: 'boolean' } };

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const orNull = (schema: Node): Node => {
  const { nullable: _, ...rest } = schema;
  if (Array.isArray(rest.anyOf)) return { ...rest, anyOf: [...(rest.anyOf as unknown[]), { type: 'null' }] };
  if (Array.isArray(rest.enum))
    return { ...rest, enum: [...(rest.enum as unknown[]), null], type: [rest.type, 'null'] };
  return rest.type === undefined ? rest : { ...rest, type: [rest.type, 'null'] };
};

/** Converts OpenAPI 3.0 to JSON Schema. Objects with named properties allow no others. */
const closed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(closed);
  if (!isNode(value)) return value;
  const inner: Node = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, closed(item)]));
  const nullable = inner.nullable === true ? orNull(inner) : inner;
  const isOpen = isNode(nullable.properties) && nullable.additionalProperties === undefined;
  return isOpen ? { ...nullable, additionalProperties: false } : nullable;
};

const at = (node: unknown, ...names: string[]): Node | undefined => {
  let here: unknown = node;
  for (const name of names) here = isNode(here) ? here[name] : undefined;
  return isNode(here) ? here : undefined;
};

const pointer = (...names: string[]): string =>
  `stripe#/${names.map((name) => name.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`;

/** Converts the form for the schema: an object with numeric names becomes an array if the schema expects one. */
const shaped = (value: Tree, schema: Node | undefined): unknown => {
  const options = [schema, ...((schema?.anyOf as Node[] | undefined) ?? [])];
  if (typeof value === 'string') return value;
  const list = options.find((option) => option?.type === 'array');
  if (list) return inOrder(value).map((item) => shaped(item, at(list, 'items')));
  const object = options.find((option) => option?.properties !== undefined);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, shaped(item, at(object, 'properties', name))]),
  );
};

const words = ({ instancePath, message, params }: ErrorObject): string => {
  const detail = (params as Node).additionalProperty ?? (params as Node).allowedValues;
  return `${instancePath || '/'} ${message}${detail === undefined ? '' : ` (${String(detail).slice(0, 200)})`}`;
};

export interface Schema {
  /** The errors of this request. The operation is named as in the document: `post /v1/prices`. */
  request(operation: string, form: Tree): string | undefined;
  answer(operation: string, status: number, body: object): string | undefined;
  event(event: { data: { object: object } }): string | undefined;
}

const createValidators = (document: Node) => {
  const forms = formats.default(new Ajv({ strict: false, allErrors: true, coerceTypes: true }));
  const objects = formats.default(new Ajv({ strict: false, allErrors: true }));
  for (const ajv of [forms, objects]) {
    for (const format of ['unix-time', 'currency', 'decimal']) ajv.addFormat(format, true);
    ajv.addSchema({ $id: 'stripe', ...document });
  }
  const compiled = new Map<string, ValidateFunction>();
  /** Compiled at the first use. */
  const check = (ajv: Ajv, key: string, schema: Node, value: unknown): string | undefined => {
    const validate = compiled.get(key) ?? ajv.compile(schema);
    compiled.set(key, validate);
    return validate(value) ? undefined : validate.errors?.slice(0, 5).map(words).join('; ');
  };
  return {
    form: (key: string, schema: Node, value: unknown) => check(forms, key, schema, value),
    object: (ref: string, value: unknown) => check(objects, ref, { $ref: ref }, value),
  };
};

const FORM = ['requestBody', 'content', 'application/x-www-form-urlencoded', 'schema'];

const queryOf = (operation: Node): Node => {
  const parameters = (operation.parameters as Node[] | undefined) ?? [];
  const inQuery = parameters.filter((parameter) => parameter.in === 'query');
  return {
    type: 'object',
    properties: Object.fromEntries(inQuery.map(({ name, schema }) => [name, schema])),
    additionalProperties: false,
  };
};

/** The request schema of an operation. */
const requestSchema = (document: Node, operation: string): Node | undefined => {
  const [method = '', path = ''] = operation.split(' ');
  const borrowed = BORROWED[operation];
  if (borrowed) {
    if (!borrowed.request) return { type: 'object', properties: {}, additionalProperties: false };
    const lender = at(document, 'paths', borrowed.request, 'post', ...FORM);
    return { ...lender, required: [], properties: { ...at(lender, 'properties'), ...ONLY_IN_UPDATE } };
  }
  const own = at(document, 'paths', path, method);
  return own && (method === 'get' ? queryOf(own) : at(own, ...FORM));
};

/** Makes local references point into the document. */
const rooted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(rooted);
  if (!isNode(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      name === '$ref' && String(item).startsWith('#') ? `stripe${String(item)}` : rooted(item),
    ]),
  );
};

/** Validates with Stripe's OpenAPI document. */
export const openSchema = (file: string): Schema => {
  const document = closed(JSON.parse(readFileSync(file, 'utf8'))) as Node;
  for (const [name, fields] of Object.entries(NEWER)) {
    const properties = at(document, 'components', 'schemas', name, 'properties');
    for (const field of fields) if (properties) properties[field] = {};
  }
  const validators = createValidators(document);
  const component = (name: string) => pointer('components', 'schemas', name);
  return {
    request: (operation, form) => {
      if (UNCHECKED_OPERATIONS.includes(operation)) return undefined;
      const schema = requestSchema(document, operation);
      if (!schema) return 'this operation is not in the schema';
      return validators.form(operation, rooted(schema) as Node, shaped(form, schema));
    },
    answer: (operation, status, body) => {
      if (status !== 200) return validators.object(component('error'), body);
      if (UNCHECKED_OPERATIONS.includes(operation)) return undefined;
      const borrowed = BORROWED[operation];
      if (borrowed) return validators.object(component(borrowed.response), body);
      const [method = '', path = ''] = operation.split(' ');
      const place = ['paths', path, method, 'responses', '200', 'content', 'application/json', 'schema'];
      return validators.object(pointer(...place), body);
    },
    event: (event) => {
      const { object } = event.data.object as { object: string };
      return (
        validators.object(component('event'), event) ??
        (UNCHECKED_OBJECTS.includes(object)
          ? undefined
          : validators.object(component(object), event.data.object))
      );
    },
  };
};
