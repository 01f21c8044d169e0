import fc from 'fast-check';
import type { Schema } from './operations.ts';

/** As JSON, so that `-0` and numbers that no double holds are sent as they stand. */
export type JsonText = string;

const quote = (text: string): JsonText => JSON.stringify(text);

/** One grapheme each: the first four fill a text to its length. */
const GRAPHEMES = [
  ...['x', '😀', '👩‍👩‍👧', 'e\u0301', 'ש', 'ß', 'İ', '\u00a0', '\u0085', '\u2028', '\u202e', '\u{10ffff}'],
];
/** Parts of other languages, and text that is none. */
const TRICKS = [
  ...['\0', 'a\0', '\ud800', 'a\udfff', '\ufeffa', '\uffff', '\x1b[2J', ' a ', '\u3000', '', ' '],
  ...["'--", '\\', '"', '$1', '?', '%', '{}', '__proto__', 'null', 'NaN'],
];

/** Counted in code points, as JSON Schema does. */
const ofLength = (grapheme: string, length: number): string => {
  const points = [...grapheme];
  return Array.from({ length }, (_, i) => points[i % points.length]).join('');
};

/** The shortest and longest texts of a schema, and what is longer. */
export const lengthsOf = ({ minLength = 0, maxLength = 64 }: Schema): JsonText[] => [
  ...GRAPHEMES.slice(0, 4).flatMap((grapheme) =>
    [maxLength, maxLength + 1].map((n) => quote(ofLength(grapheme, n))),
  ),
  quote(ofLength('x', minLength)),
];

const texts = (schema: Schema): JsonText[] => [
  ...[...TRICKS, ...(schema.pattern ? [] : GRAPHEMES)].map(quote),
  ...lengthsOf(schema),
];

/** The ends of four digits, of JavaScript's Date and of Postgres' timestamptz, in UTC and by an offset. */
const DATES = [
  ...['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.9999999Z', '9999-12-31T23:59:59-23:59'],
  ...[
    '9999-12-31T00:00:00+23:59',
    '9999-12-31T00:00:00-00:01',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
  ],
  ...['2096-02-29T23:59:59Z', '2097-02-29T00:00:00Z', '2099-12-31T23:59:60Z', '2099-12-31T24:00:00Z'],
  ...['2099-01-01T00:00Z', '2099-01-01', '2099-01-01t00:00:00z', '2099-01-01T00:00:00', 'infinity', 'now'],
  ...[
    '275760-09-13T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '294276-12-31T23:59:59Z',
    '-000001-01-01T00:00:00Z',
  ],
  ...[
    '2038-01-19T03:14:08Z',
    '2099-01-01T00:00:00.123456789Z',
    '2099-01-01T00:00:00+00:00',
    '1970-01-01T00:00:00Z',
  ],
].map(quote);

const NUMBERS = ['0', '-0', '1', '0.1', '-1', '9007199254740991', '9007199254740993', '-9007199254740993'];
const LARGE = ['2147483648', '9223372036854775808', '1e308', '-1e308', '1e999', '5e-324', '1E2', '60.0'];

const numbers = ({ minimum = 0, maximum = 0 }: Schema): JsonText[] => [
  ...[minimum, maximum, minimum - 1, maximum + 1].map(String),
  ...NUMBERS,
  ...LARGE,
];

const lists = (items: Schema, { minItems = 0, maxItems = 10 }: Schema): JsonText[] => {
  const inner = edgesOf(items);
  const many = Array.from({ length: maxItems + 1 }, (_, i) => inner[i % inner.length]!);
  return ['[]', ...inner.map((text) => `[${text}]`)].concat(
    [minItems, maxItems, maxItems + 1].map((length) => `[${many.slice(0, length)}]`),
    [`[${Array<string>(maxItems).fill(inner[0]!)}]`],
  );
};

/** What lies at the edges of a schema, to either side. */
export const edgesOf = (schema: Schema): JsonText[] => {
  const { type, anyOf, enum: words, format, items } = schema;
  if (anyOf) return anyOf.flatMap(edgesOf);
  if (words) return [...words, `${words[0]} `, 'none'].map(quote);
  if (type === 'array' && items) return lists(items, schema);
  if (type === 'integer') return numbers(schema);
  if (type === 'boolean') return ['true', 'false'];
  if (type === 'null') return ['null'];
  return format === 'date-time' ? DATES : texts(schema);
};

/** Anything that has the schema's form: by its pattern if it has one, else of any characters. */
export const anyOf = (schema: Schema): fc.Arbitrary<JsonText> => {
  const { type, anyOf: options, enum: words, pattern, maxLength = 64, items, maxItems = 5 } = schema;
  if (options) return fc.oneof(...options.map(anyOf));
  if (words || type === 'boolean' || type === 'null') return fc.constantFrom(...edgesOf(schema));
  if (type === 'array' && items) {
    return fc.array(anyOf(items), { maxLength: maxItems }).map((some) => `[${some}]`);
  }
  if (type === 'integer')
    return fc.oneof(fc.integer({ min: schema.minimum, max: schema.maximum }), fc.double()).map(String);
  if (pattern) return fc.stringMatching(new RegExp(pattern), { size: '-1' }).map(quote);
  return fc.string({ unit: 'binary', maxLength }).map(quote);
};
