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
    [z.boolean(), 'yes', 'must be true or false'],
    [z.array(z.string()), {}, 'must be a list'],
    [z.object({}), [], 'must be an object'],
    [z.string().min(1), '', 'must not be empty'],
    [z.string().min(8), 'short', 'must have at least 8 characters'],
    [z.string().max(128), 'x'.repeat(129), 'must have at most 128 characters'],
    [z.string().max(1), 'xx', 'must have at most 1 character'],
    [z.string().length(3), 'xx', 'must have exactly 3 characters'],
    [z.array(z.string()).min(1), [], 'must not be empty'],
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
    expect(detailOf(z.object({ x: schema }), { x: value })).toBe(`body.x: ${words}`);
  });

  it('of the body itself, and of members that nobody knows', () => {
    expect(detailOf(z.strictObject({}), { a: 1 })).toBe('body: has the unknown member a');
    expect(detailOf(z.strictObject({}), { a: 1, b: 2 })).toBe('body: has the unknown members a, b');
    expect(detailOf(z.object({}), undefined)).toBe('body: is required');
  });
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
          { path: 'query.a', message: 'is required' },
          { path: 'query.b.1', message: 'must be a number' },
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
