import { describe, expect, it } from 'vitest';
import { allowedRevisions, etagOf } from '../../src/http/etag.ts';
import { parseJson } from '../../src/http/json-text.ts';

it.each<[string | undefined, number[] | undefined]>([
  [undefined, undefined],
  ['*', undefined],
  [' * ', undefined],
  ['"1"', [1]],
  [' "1" , "20"', [1, 20]],
  ['W/"1"', []],
  ['"0"', []],
  ['"01"', []],
  ['1', []],
  ['"1', []],
  ['x"1"', []],
  ['"1"x', []],
  ['"1234567890"', [1_234_567_890]],
  ['"12345678901"', []],
  ['', []],
])('If-Match %j allows the revisions %j', (value, revisions) => {
  expect(allowedRevisions({ 'if-match': value })).toEqual(revisions);
  expect(allowedRevisions({ 'if-match': etagOf(7) })).toEqual([7]);
});

describe('a JSON body', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  it.each([
    '{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}',
    '{"a":"a","b":"\\"a\\":","c":"{[\\\\"}',
    '[[],[{}],{"a":[]}]',
    'null',
    nested(20),
    `[${'[],'.repeat(100)}0]`,
    `[${'{},'.repeat(100)}0]`,
    `[${'"a",'.repeat(100)}0]`,
  ])('is read as JSON.parse reads it: %s', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['{"a":1,"a":2}', /two members with the same name/],
    ['{"a":1,"\\u0061":2}', /two members with the same name/],
    ['[{"x":[{"a" : 1, "a" : 1}]}]', /two members with the same name/],
    ['{"__proto__":{}}', /__proto__/],
    ['{"\\u005f_proto__":{}}', /__proto__/],
    [nested(21), /at most 20 levels/],
    ['{"a":'.repeat(21) + '1' + '}'.repeat(21), /at most 20 levels/],
    ['{', /^The body is not valid JSON\.$/],
    ['', /^The body is not valid JSON\.$/],
  ])('is refused: %s', (text, words) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ code: 'malformed_json', detail: expect.stringMatching(words) }),
    );
  });

  it('that is none keeps why, for the log', () => {
    expect(() => parseJson('{')).toThrow(expect.objectContaining({ cause: expect.any(SyntaxError) }));
  });
});
