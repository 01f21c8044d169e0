import type { z } from 'zod';

type Issue = Parameters<z.core.$ZodErrorMap>[0];
type Code<C extends Issue['code']> = Extract<Issue, { code: C }>;

export const plural = (count: number | bigint, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;

const types: Readonly<Record<string, string>> = {
  string: 'must be text',
  number: 'must be a number',
  int: 'must be a whole number',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be an object',
};

const nouns: Readonly<Record<string, string>> = { string: 'character', array: 'item' };

/** A minimum or maximum of a number, or of the length of a text or list. */
const bounded = (issue: Code<'too_small'> | Code<'too_big'>): string => {
  const [bound, more, less] =
    issue.code === 'too_small'
      ? [issue.minimum, 'at least', 'more than']
      : [issue.maximum, 'at most', 'less than'];
  const noun = nouns[issue.origin];
  if (Math.abs(Number(bound)) === Number.MAX_SAFE_INTEGER) {
    return issue.code === 'too_big' ? 'is too large' : 'is too small';
  }
  if (!noun) return `must be ${issue.inclusive === false ? less : more} ${bound}`;
  if (issue.exact) return `must have exactly ${plural(bound, noun)}`;
  if (issue.code === 'too_small' && bound === 1) {
    return issue.origin === 'array' ? 'must have at least one item' : 'must not be empty';
  }
  return `must have ${more} ${plural(bound, noun)}`;
};

const oneOf = ({ values }: Code<'invalid_value'>): string => {
  const [last, ...others] = values.map(String).reverse();
  return others.length === 0 ? `must be ${last}` : `must be ${others.reverse().join(', ')} or ${last}`;
};

/** What a caller may have called a field. Anything else is not repeated. */
const NAME = /^[\w.-]{1,64}$/;
const MAX_NAMES = 3;

const unknownFields = ({ keys }: Code<'unrecognized_keys'>): string => {
  const words = keys.length === 1 ? 'has an unknown field' : `has ${keys.length} unknown fields`;
  return keys.length <= MAX_NAMES && keys.every((key) => NAME.test(key))
    ? `${words}: ${keys.join(', ')}`
    : words;
};

const formats: Readonly<Record<string, string>> = {
  date: 'must be a day such as 2027-01-31',
  datetime: 'must be a time such as 2027-01-31T09:00:00Z',
};

/**
 * Error messages for users, which continue after the field's name. zod's defaults are for programmers. A message of the
 * schema takes precedence.
 */
export const plainWords = (issue: Issue): string => {
  if (issue.code === 'invalid_type') {
    return issue.input === undefined ? 'is required' : (types[issue.expected] ?? 'is of the wrong type');
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') return bounded(issue);
  if (issue.code === 'invalid_value') return issue.input === undefined ? 'is required' : oneOf(issue);
  if (issue.code === 'unrecognized_keys') return unknownFields(issue);
  return (
    formats[(issue as Partial<Code<'invalid_format'>>).format ?? ''] ?? 'does not have the expected form'
  );
};
