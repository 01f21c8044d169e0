import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parsePart } from '../../src/http/parse.ts';
import { waitWords } from '../../src/http/wait-words.ts';
import type { Problem } from '../../src/platform/problem.ts';

const detailOf = (schema: z.ZodType, value: unknown): string => {
  try {
    parsePart('body', schema, value);
  } catch (error) {
    return (error as Problem).detail;
  }
  throw new Error('it was accepted');
};

describe('A refused field is told in plain words', () => {
  it.each<[z.ZodType, unknown, string]>([
    [z.string(), undefined, 'is required'],
    [z.string(), null, 'must be text'],
    [z.number(), 'x', 'must be a number'],
    [z.coerce.number(), 'x', 'must be a number'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.int(), 1e300, 'is too large'],
    [z.int(), -1e300, 'is too small'],
    [z.boolean(), 'yes', 'must be true or false'],
    [z.array(z.string()), {}, 'must be a list'],
    [z.object({}), [], 'must be an object'],
    [z.string().min(1), '', 'is required'],
    [z.string().min(1).optional(), '', 'must not be empty'],
    [z.string().min(8), 'short', 'must have at least 8 characters'],
    [z.string().max(128), 'x'.repeat(129), 'must have at most 128 characters'],
    [z.string().max(1), 'xx', 'must have at most 1 character'],
    [z.string().length(3), 'xx', 'must have exactly 3 characters'],
    [z.array(z.string()).min(1), [], 'must have at least one item'],
    [z.array(z.string()).min(2), [], 'must have at least 2 items'],
    [z.array(z.string()).max(2), ['a', 'b', 'c'], 'must have at most 2 items'],
    [z.number().min(1), 0, 'must be at least 1'],
    [z.number().max(100), 101, 'must be at most 100'],
    [z.number().gt(0), 0, 'must be more than 0'],
    [z.number().lt(1), 1, 'must be less than 1'],
    [z.enum(['a', 'b']), 'c', 'must be a or b'],
    [z.enum(['a', 'b', 'c']), 'd', 'must be a, b or c'],
    [z.literal('a'), 'b', 'must be a'],
    [z.enum(['a', 'b']), undefined, 'is required'],
    [z.date(), 'now', 'is of the wrong type'],
    [z.array(z.string()).length(2), ['a'], 'must have exactly 2 items'],
    [z.iso.datetime({ offset: true }), 'now', 'must be a time such as 2027-01-31T09:00:00Z'],
    [z.union([z.string(), z.number()]), true, 'does not have the expected form'],
  ])('%#', (schema, value, words) => {
    expect(detailOf(z.object({ x: schema }), { x: value })).toBe(`X ${words}.`);
  });

  it('of the body itself, and of fields that nobody knows', () => {
    const strict = z.strictObject({});
    const long = 'x'.repeat(65);
    expect(detailOf(strict, { a: 1 })).toBe('The request body has an unknown field: a.');
    expect(detailOf(strict, { a: 1, b: 2, c: 3 })).toBe('The request body has 3 unknown fields: a, b, c.');
    expect(detailOf(strict, { a: 1, b: 2, c: 3, d: 4 })).toBe('The request body has 4 unknown fields.');
    for (const name of ['', 'a b', '\u202e', '<b>', long])
      expect(detailOf(strict, { [name]: 1 })).toBe('The request body has an unknown field.');
    expect(detailOf(z.object({}), undefined)).toBe('The request body is required.');
    expect(detailOf(z.object({ x: strict }), { x: { a: 1 } })).toBe('X has an unknown field: a.');
  });

  it('by the name that people know it by, in the singular or the plural', () => {
    const text = z.string();
    const named = (name: string, schema: z.ZodType = text) => detailOf(z.object({ [name]: schema }), {});
    expect(named('name')).toBe('Name is required.');
    expect(named('ownerTeam')).toBe('Owner team is required.');
    expect(named('deploymentEnv')).toBe('Environment is required.');
    expect(named('grant_type')).toBe('grant_type is required.');
    expect(named('scopes')).toBe('Scopes are required.');
    expect(named('status')).toBe('Status is required.');
    expect(named('address')).toBe('Address is required.');
    const custom = (words: string) => z.array(text, { error: words });
    expect(named('scopes', custom('has two names'))).toBe('Scopes have two names.');
    expect(named('scopes', custom('does not have the expected form'))).toBe(
      'Scopes do not have the expected form.',
    );
  });

  it('by its place in a list, and by what it is a part of', () => {
    const grants = z.array(z.strictObject({ resource: z.string(), scopes: z.array(z.string()).min(1) }));
    const schema = z.object({ resourceGrants: grants, capabilities: z.array(z.string()) }).partial();
    const ofGrant = (grant: unknown) =>
      detailOf(schema, { resourceGrants: [{ resource: 'a', scopes: ['a'] }, grant] });
    expect(ofGrant({ scopes: ['a'] })).toBe('Resource of resource grant 2 is required.');
    expect(ofGrant({ resource: 'a' })).toBe('Scopes of resource grant 2 are required.');
    expect(ofGrant({ resource: 'a', scopes: ['a', 1] })).toBe('Scope 2 of resource grant 2 must be text.');
    expect(ofGrant({ resource: 'a', scopes: ['a'], x: 1 })).toBe('Resource grant 2 has an unknown field: x.');
    expect(detailOf(schema, { capabilities: [1] })).toBe('Capability 1 must be text.');
    const key = z.object({ publicKey: z.object({ kty: z.string() }) });
    expect(detailOf(key, { publicKey: {} })).toBe('Key type of the public key is required.');
  });

  it('with how many more there are', () => {
    const schema = z.object({ a: z.string(), b: z.string(), c: z.string() });
    expect(detailOf(schema, { a: 'x', b: 'x' })).toBe('C is required.');
    expect(detailOf(schema, { a: 'x' })).toBe('B is required. There is 1 more error.');
    expect(detailOf(schema, {})).toBe('A is required. There are 2 more errors.');
  });
});

it('A field has one sentence, about the first rule that it breaks', () => {
  const schema = z.object({ a: z.string().min(1).max(2).regex(/x/), b: z.int().max(3) });
  expect(() => parsePart('body', schema, { a: [], b: 1e300 })).toThrow(
    expect.objectContaining({
      members: {
        errors: [
          { path: 'body.a', message: 'A must be text.' },
          { path: 'body.b', message: 'B is too large.' },
        ],
      },
    }),
  );
});

it('A part of a request is parsed, and every finding has its path', () => {
  const schema = z.object({ a: z.string(), b: z.array(z.number()) });
  expect(parsePart('query', undefined, { a: 1 })).toBeUndefined();
  expect(parsePart('query', schema, { a: 'x', b: [1], more: 1 })).toEqual({ a: 'x', b: [1] });
  expect(() => parsePart('query', schema, { b: [1, 'x'] })).toThrow(
    expect.objectContaining({
      code: 'validation_failed',
      members: {
        errors: [
          { path: 'query.a', message: 'A is required.' },
          { path: 'query.b.1', message: 'B 2 must be a number.' },
        ],
      },
    }),
  );
});

describe('A refusal of too many says how long in words', () => {
  it.each([
    [1, '1 second'],
    [1_001, '2 seconds'],
    [60_000, '60 seconds'],
    [90_000, '90 seconds'],
    [91_000, 'about 2 minutes'],
    [50 * 60_000, 'about 50 minutes'],
    [15 * 60_000, 'about 15 minutes'],
    [52 * 60_000, 'about an hour'],
    [3_600_000, 'about an hour'],
    [3_600_001 * 2, 'about 3 hours'],
    [86_400_000, 'about 24 hours'],
  ])('%i ms', (ms, words) => expect(waitWords(ms)).toBe(words));
});
