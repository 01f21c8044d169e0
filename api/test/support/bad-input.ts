import { gzipSync } from 'node:zlib';
import type { Json } from './callers.ts';
import { pathOf } from './operations.ts';
import type { Operation, Schema } from './operations.ts';

/** A list is a header that is sent more than once. */
type HeaderValue = string | string[];

/** A request that is wrong in one way, and in all others as it should be. */
export interface BadRequest {
  what: string;
  method: string;
  /** With its query. */
  path: string;
  /** Replace those of an honest request, which has its caller's identity and the body's media type. */
  headers?: Record<string, HeaderValue | undefined>;
  body?: string | Buffer;
}

/** What an operation takes, so that only what is made wrong of it is wrong. */
export interface Honest {
  parameters: Record<string, string>;
  body: Json;
}

const OVER_LIMIT = 64 * 1024 + 1;
const DEEP = 10_000;

/** Names that every object has, or seems to. */
const PROTOTYPE = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];

const deepList = `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`;
const deepObject = `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`;

/** JSON values that are wrong but where a schema says otherwise; 1e999 is more than a number holds. */
const VALUES = [
  ...['0', '5', '-1', '1.5', '1e308', '-1e308', '1e999', '9007199254740993', 'true', 'null'],
  ...['"5"', '"NaN"', '"true"', '[]', '[null]', '["a"]', '{}', '{"a":1}', '{"__proto__":{}}'],
];
/** Text that is none: Postgres takes no NUL, UTF-8 no half of a character. */
const NO_TEXT = ['"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"a\\udfff"', '"\\u0007"'];

const kindOf = (text: string): string => {
  const value: unknown = JSON.parse(text);
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
};

const kindsOf = ({ type, anyOf = [], enum: words }: Schema): string[] => [
  ...(type === undefined ? [] : [type === 'integer' ? 'number' : type]),
  ...(type === undefined && words ? ['string'] : []),
  ...anyOf.flatMap(kindsOf),
];

/** JSON values of the right kind that the schema refuses all the same. */
const outside = (schema: Schema): string[] => {
  const { type, anyOf = [], enum: words, minLength = 0, maxLength, minItems = 0, maxItems } = schema;
  const { minimum, maximum, items } = schema;
  const quoted = (length: number) => JSON.stringify('x'.repeat(length));
  return [
    ...anyOf.flatMap(outside),
    ...(type === 'string' ? NO_TEXT : []),
    ...(type === 'string' && maxLength ? [quoted(maxLength + 1), quoted(60_000)] : []),
    ...(type === 'string' ? [`"${'x'.repeat(minLength)}\\ud800"`] : []),
    ...(minLength > 0 ? ['""', quoted(minLength - 1)] : []),
    ...(words ? ['""', '"none"', JSON.stringify(` ${words[0]}`)] : []),
    ...(type === 'integer' ? ['1.5', '1e308', '1e999', '-1e999', '9007199254740993'] : []),
    ...(minimum === undefined ? [] : [String(minimum - 1)]),
    ...(maximum === undefined ? [] : [String(maximum + 1)]),
    ...(minItems > 0 ? ['[]'] : []),
    ...(maxItems ? [`[${Array(maxItems + 1).fill('"a"')}]`, `[${Array(9_000).fill('"a"')}]`] : []),
    ...(items ? ['[5]', '[null]', '[[]]', '[{}]', ...NO_TEXT.map((text) => `[${text}]`)] : []),
  ];
};

/** The object as JSON, with one member that is written as it stands. */
const withMember = (object: Json, name: string, text: string): string => {
  const others = Object.entries(object).filter(([key]) => key !== name);
  const members = others.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{${[...members, `${JSON.stringify(name)}:${text}`].join(',')}}`;
};

const brief = (text: string): string => (text.length > 60 ? `${text.slice(0, 50)}… (${text.length})` : text);

/** Bodies that are no JSON object of any operation, by what is wrong with them. */
const malformedJson = (right: string): [string, string | Buffer][] => [
  ['a space', ' '],
  ['a byte order mark', `\ufeff${right}`],
  ['half of it', right.slice(0, Math.ceil(right.length / 2))],
  ['a comma too many', `${right.slice(0, -1)},}`],
  ['single quotes', `{'name':'a'}`],
  ['a bare name', '{name:"a"}'],
  ['NaN', '{"name":NaN}'],
  ['a comment', `/* */${right}`],
  ['two values', `${right}${right}`],
  ['a NUL at its end', `${right}\0`],
  ['a raw newline in text', '{"name":"a\nb"}'],
  ['a wrong escape', '{"name":"\\x41"}'],
  ...['1', '"name"', 'true', 'null', '[]', `[${right}]`].map((text): [string, string] => [text, text]),
  ['UTF-16', Buffer.from(right, 'utf16le')],
  ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0xfd])],
  ['lists in each other', deepList],
  ['objects in each other', deepObject],
  ['lists left open', '['.repeat(60_000)],
  ['too many bytes', right + ' '.repeat(OVER_LIMIT - right.length)],
];

const bytesIn = (object: Json, name: string): Buffer =>
  Buffer.from(withMember(object, name, '"a\xffb"'), 'latin1');

/** What is wrong with one member, be the rest as it should. */
const wrongMember = (body: Json, name: string, schema: Schema): [string, string | Buffer][] => {
  const kinds = kindsOf(schema);
  const mistyped = VALUES.filter((text) => !kinds.includes(kindOf(text)));
  const inner = body[name];
  const isObject = schema.type === 'object' && typeof inner === 'object';
  const innerTexts = isObject ? wrongInner(inner as Json) : [];
  return [
    ...[...mistyped, ...outside(schema), ...innerTexts, deepList, deepObject].map(
      (text): [string, string] => [`${name}: ${brief(text)}`, withMember(body, name, text)],
    ),
    ...(kinds.includes('string')
      ? [[`${name}: bytes that are no UTF-8`, bytesIn(body, name)] satisfies [string, Buffer]]
      : []),
  ];
};

/** What an object says twice, in the same letters or escaped. */
const repeated = (name: string, text: string): [string, string][] =>
  [JSON.stringify(name), `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}"`].map(
    (again) => [`${name} twice, as ${again}`, `{${JSON.stringify(name)}:${text},${again}:${text}}`],
  );

/** Inside of a member that takes anything. */
const AMBIGUOUS = [
  ...[
    '{"a":1,"a":2}',
    '[[{"a":1,"a":1}]]',
    '{"__proto__":{}}',
    '{"\\u005f_proto__":1}',
    '{"a":{"__proto__":1}}',
  ],
  `${'['.repeat(21)}${']'.repeat(21)}`,
];

/** An object that may have members of any name, as a JWK: what it has is mistyped, what it has not is no I-JSON. */
const wrongInner = (object: Json): string[] => [
  ...Object.keys(object).flatMap((name) =>
    [...VALUES.filter((text) => kindOf(text) !== 'string'), ...NO_TEXT, deepList, deepObject].map((text) =>
      withMember(object, name, text),
    ),
  ),
  ...['1e999', '"\\ud800"', ...AMBIGUOUS].map((text) => withMember(object, 'unknown', text)),
];

/** Bodies of the right form, each with one member that is wrong. */
const misshapen = (body: Json, { properties = {}, required = [] }: Schema): [string, string | Buffer][] => [
  ...Object.entries(body).flatMap(([name, value]) => repeated(name, JSON.stringify(value))),
  ...Object.entries(properties).flatMap(([name, schema]) => wrongMember(body, name, schema)),
  ...required.map((name): [string, string] => [
    `no ${name}`,
    JSON.stringify(Object.fromEntries(Object.entries(body).filter(([key]) => key !== name))),
  ]),
  ...['unknown', '', ...PROTOTYPE].flatMap((name) =>
    ['1', '{}', '{"isPublic":true}'].map((text): [string, string] => [
      `a member "${name}": ${text}`,
      withMember(body, name, text),
    ]),
  ),
];

const TYPES = [
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/ld+json',
  'json',
  'text/json',
  '',
];
const CHARSETS = ['utf-16', 'UTF-16LE', 'iso-8859-1', '"latin1"', 'us-ascii', 'utf-7', 'x'];

/** The right bytes under a wrong name. */
const mislabelled = (right: string, own: string, other: string): Omit<BadRequest, 'method' | 'path'>[] => [
  ...[...TYPES, other, ...CHARSETS.map((charset) => `${own}; charset=${charset}`)].map((type) => ({
    what: `Content-Type: ${type}`,
    headers: { 'content-type': type },
    body: right,
  })),
  { what: 'no Content-Type', headers: { 'content-type': undefined }, body: right },
  ...['gzip', 'br', 'x', 'gzip, identity'].map((coding) => ({
    what: `Content-Encoding: ${coding}`,
    headers: { 'content-encoding': coding },
    body: coding === 'gzip' ? gzipSync(right) : right,
  })),
];

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

/** Every wrong body of an operation that takes JSON. */
export const badJson = (operation: Operation, honest: Honest): BadRequest[] => {
  const right = JSON.stringify(honest.body);
  const { method } = operation;
  const path = pathOf(operation, honest.parameters);
  const bodies = [
    ...(operation.bodyIsOptional ? [] : ([['nothing', '']] satisfies [string, string][])),
    ...malformedJson(right),
    ...misshapen(honest.body, operation.bodySchema!),
  ];
  return [
    ...bodies.map(([what, body]) => ({ what, method, path, body })),
    ...mislabelled(right, JSON_TYPE, FORM).map((request) => ({ ...request, method, path })),
  ];
};

const encoded = (form: Json): string => new URLSearchParams(form as Record<string, string>).toString();

/** Every wrong body of an operation that takes a form; `names` are of the parameters that it reads for this one. */
export const badForm = (operation: Operation, honest: Honest, names: string[]): BadRequest[] => {
  const right = encoded(honest.body);
  const { method } = operation;
  const path = pathOf(operation, honest.parameters);
  const { properties = {}, required = [] } = operation.bodySchema!;
  const without = (name: string) => encoded({ ...honest.body, [name]: '' });
  const bodies: [string, string | Buffer][] = [
    ['nothing', ''],
    ['JSON', JSON.stringify(honest.body)],
    ['a byte order mark', `\ufeff${right}`],
    ['UTF-16', Buffer.from(right, 'utf16le')],
    ['bytes that are no UTF-8', Buffer.from(`${right}&other=\xff`, 'latin1')],
    ['too many bytes', `${right}&other=${'x'.repeat(OVER_LIMIT - right.length)}`],
    ['30,000 parameters of one name', `${right}${'&a'.repeat(30_000)}`],
    ...required.map((name): [string, string] => [`no ${name}`, without(name)]),
    ...Object.entries(properties).flatMap(([name, { maxLength = 4_096 }]): [string, string][] => [
      [`${name} twice`, `${right}&${name}=x&${name}=x`],
      [`${name} twice, once empty`, `${right}&${name}=x&${name}=`],
      [`${name}: ${maxLength + 1} characters`, `${without(name)}&${name}=${'x'.repeat(maxLength + 1)}`],
    ]),
    ...names.flatMap((name) =>
      ['%00', 'a%00b', '%ff', '%ed%a0%80', '%zz', '%', '%0a', '[object Object]', '__proto__'].map(
        (text): [string, string] => [`${name}: ${text}`, `${without(name)}&${name}=${text}`],
      ),
    ),
  ];
  return [
    ...bodies.map(([what, body]) => ({ what, method, path, body })),
    ...mislabelled(right, FORM, JSON_TYPE).map((request) => ({ ...request, method, path })),
  ];
};

const badNumbers = (maximum: number): string[] => [
  ...['0', '-1', String(maximum + 1), '1e9', '99999999999999999999', '1.5', 'abc', 'NaN', 'Infinity'],
  ...['', '%20', '%00', '1,2', '1;2', 'null', '[]', '0x', '%ff', '%D9%A1'],
];
const badTexts = (name: string, { maxLength, enum: words, minLength = 0 }: Schema): string[] => [
  ...['%00', 'a%00b', '%07', 'x'.repeat((maxLength ?? 64) + 1), 'x'.repeat(8_000)],
  ...(words || minLength > 0 ? [''] : []),
  // A name may begin with any text at all, if only it is text.
  ...(name === 'q' ? [] : ['none', '%ff', '%zz', '%F0%9F%92%A9', '__proto__', "'--", '%ed%a0%80']),
];

/** Every wrong query of an operation. */
export const badQueries = (operation: Operation, honest: Honest): BadRequest[] => {
  const path = pathOf(operation, honest.parameters);
  const queries = operation.query.flatMap(({ name, schema }) => {
    const right = schema.enum?.[0] ?? String(schema.minimum ?? 'a');
    const wrong = schema.type === 'integer' ? badNumbers(schema.maximum!) : badTexts(name, schema);
    return [
      ...wrong.map((text) => `${name}=${text}`),
      `${name}=${right}&${name}=${right}`,
      ...['[]', '[0]', '[a]', '.a', '%00', '%5B__proto__%5D'].map((suffix) => `${name}${suffix}=${right}`),
      `${name.toUpperCase()}=${right}`,
    ];
  });
  return [...queries, ...['unknown', ...PROTOTYPE].map((name) => `${name}=1`)].map((query) => ({
    what: brief(query),
    method: operation.method,
    path: `${path}?${query}`,
  }));
};

/** Segments that are the address of nothing. */
const badSegments = (right: string): string[] => [
  ...['%00', `${right}%00`, `%00${right}`, '%ff', '%', '%zz', '%c0%80', '%ed%a0%80', '%2f', `${right}%2f`],
  ...['..', '%2e%2e', '.', '%20', `${right}%20`, `%20${right}`, right.toUpperCase(), right.slice(0, -1)],
  ...[
    `${right}0`,
    `${right};a=b`,
    `${right}.json`,
    `${right}%0a`,
    '*',
    'null',
    '0',
    '-1',
    "'--",
    '__proto__',
  ],
  ...['%F0%9F%92%A9', 'x'.repeat(129), 'x'.repeat(8_000), `..%2f${right}`, `${right}%2f..%2f${right}`],
];

/** The operation at every address that is none. */
export const badPaths = (operation: Operation, honest: Honest): BadRequest[] =>
  operation.parameters.flatMap((name) =>
    badSegments(honest.parameters[name]!).map((segment) => ({
      what: `${name}: ${brief(segment)}`,
      method: operation.method,
      path: pathOf(operation, { ...honest.parameters, [name]: '~' }).replace('~', () => segment),
      ...(operation.bodyType && { body: JSON.stringify(honest.body) }),
    })),
  );

const badIdentities = (right: string): HeaderValue[] => [
  ...['', 'Bearer', 'Bearer ', 'Bearer  ', 'Bearer a b', `Bearer ${right} b`, `Bearer "${right}"`, right],
  ...[
    `Bearer ${right},`,
    `Bearer ${right}, Bearer ${right}`,
    `Basic ${right}`,
    `Bearer=${right}`,
    'Digest a',
  ],
  ...[`Bearer ${right}x`, `Bearer ${right.slice(1)}`, `Bearer ${'x'.repeat(8_000)}`, 'Bearer \xff', ', ,'],
  ...[
    [`Bearer ${right}`, `Bearer ${right}`],
    [`Bearer ${right}`, 'Bearer a'],
    ['Bearer a', `Bearer ${right}`],
  ],
];
const WRONG_HEADERS: Readonly<Record<string, HeaderValue[]>> = {
  'Idempotency-Key': ['', ' ', 'a b', 'a\tb', 'x'.repeat(256), '\xfc', ['a', 'b'], ['a', 'a']],
  'If-Match': [
    '',
    'a',
    '1',
    '"',
    '"0"',
    '"-1"',
    '"1',
    'W/"1"',
    '"1e0"',
    '"9999999999"',
    'x'.repeat(8_000),
    ',',
  ],
};

/** The operation as it should be, but for one header. */
export const badHeaders = (operation: Operation, honest: Honest, token: string): BadRequest[] => {
  const identities = operation.isPublic ? [] : badIdentities(token);
  const cases = [
    ...identities.map((value) => ['authorization', value] as const),
    ...operation.headers.flatMap((name) => WRONG_HEADERS[name]!.map((value) => [name, value] as const)),
  ];
  return cases.map(([name, value]) => ({
    what: `${name}: ${brief(String(value))}`,
    method: operation.method,
    path: pathOf(operation, honest.parameters),
    headers: { [name]: value },
    ...(operation.bodyType && { body: JSON.stringify(honest.body) }),
  }));
};

/** The operation from a client that says wrongly who it is; twice is wrong even where both are right. */
export const badClients = (
  operation: Operation,
  honest: Honest,
  [id, secret]: [id: string, secret: string],
): BadRequest[] => {
  const as = (text: string): string => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`;
  const right = as(`${id}:${secret}`);
  const values = [
    ...['', 'Basic', 'Basic ', 'Basic !', `Basic ${id}:${secret}`, `${right} ${right}`, `${right}, ${right}`],
    ...[
      right.slice(6),
      `Bearer ${right.slice(6)}`,
      `Basic ${'A'.repeat(8_000)}`,
      [right, right],
      [right, as('a:b')],
    ],
    ...[
      '',
      ':',
      'a',
      'a:',
      ':a',
      '\0:\0',
      `${id}\0:${secret}`,
      `${id}:${secret}\0`,
      `${id}%00:${secret}`,
    ].map(as),
    ...['%:%', '%zz:a', '%ff:%ff', '\xff:\xff', `${id}:${secret} `, ` ${id}:${secret}`, '__proto__:a'].map(
      as,
    ),
  ];
  return values.map((authorization, index) => ({
    what: `client ${index}: ${brief(String(authorization))}`,
    method: operation.method,
    path: operation.path,
    headers: { authorization },
    body: encoded(honest.body),
  }));
};

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'LINK', 'PURGE', 'M-SEARCH'];

/** An address with every method that it doesn't have. */
export const badMethods = (path: string, methods: string[], honest: Honest): BadRequest[] =>
  METHODS.filter((method) => !methods.includes(method)).map((method) => ({
    what: method,
    method,
    path: path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => honest.parameters[name]!),
  }));
