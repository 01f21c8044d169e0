import { z } from 'zod';

/** As much of JSON Schema as zod prints. */
interface Schema {
  type?: string;
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
}

const KINDS = [null, true, -1, 1.5, 1e9, '', ' ', 'none', '\0', '\ud800', [], [null], {}, { x: 1 }];

/** The right kind, and often right. */
const sample = (schema: Schema): unknown => {
  const { anyOf, enum: words, type, minLength = 1, minimum = 0, minItems = 0, items, properties } = schema;
  if (anyOf) return sample(anyOf[0]!);
  if (words) return words[0];
  if ('const' in schema) return schema.const;
  if (type === 'array') return Array.from({ length: minItems }, () => sample(items ?? {}));
  if (type === 'object') {
    return Object.fromEntries(Object.entries(properties ?? {}).map(([name, field]) => [name, sample(field)]));
  }
  if (type === 'number' || type === 'integer') return minimum;
  return type === 'boolean' ? true : 'x'.repeat(minLength);
};

const ofText = ({ minLength = 0, maxLength = 10_000 }: Schema): unknown[] => [
  'x'.repeat(Math.max(0, minLength - 1)),
  'x'.repeat(maxLength + 1),
];

const ofNumber = ({ minimum = 0, maximum = 0 }: Schema): unknown[] => [
  ...[minimum - 1, maximum + 1, minimum + 0.5, Number.NaN, Infinity, 1e300],
  ...['x', '1.5', '-1', '1e999', 'NaN'],
];

const ofList = ({ items = {}, minItems = 0, maxItems = 100 }: Schema): unknown[] => {
  const one = sample(items);
  const lists = wrongOf(items).flatMap((wrong) => [[wrong], [one, wrong]]);
  return [...lists, ...[minItems - 1, maxItems + 1].map((length) => Array(Math.max(0, length)).fill(one))];
};

const ofObject = (schema: Schema): unknown[] => {
  const whole = sample(schema) as Record<string, unknown>;
  const fields = Object.entries(schema.properties ?? {});
  return [
    ...fields.map(([name]) => Object.fromEntries(Object.entries(whole).filter(([other]) => other !== name))),
    ...fields.flatMap(([name, field]) => wrongOf(field).map((wrong) => ({ ...whole, [name]: wrong }))),
    ...[{ unknown: 1 }, { unknown: 1, other: 1 }, { 'a b': 1 }].map((more) => ({ ...whole, ...more })),
  ];
};

const byType: Readonly<Record<string, (schema: Schema) => unknown[]>> = {
  string: ofText,
  number: ofNumber,
  integer: ofNumber,
  array: ofList,
  object: ofObject,
};

const wrongOf = (schema: Schema): unknown[] => [
  ...KINDS,
  undefined,
  ...(schema.anyOf ?? []).flatMap(wrongOf),
  ...(byType[schema.type ?? '']?.(schema) ?? []),
];

/** Values that the schema does not accept, wrong in each of its parts: the kind, missing, size, word, member. */
export const wrongValues = (schema: z.ZodType | undefined): unknown[] =>
  schema ? wrongOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema) : [];
