import { expect, it } from 'vitest';
import { credentialWords } from '../src/lib/agents/credential-words.ts';
import { formatRelative } from '../src/lib/format/relative.ts';

const now = '2026-11-28T12:00:00.000Z';

it.each([
  [0, null, 'None', false],
  [1, null, '1', false],
  [3, null, '3', false],
  [1, '2026-12-04T12:00:00.000Z', '1, expires in 6 days', true],
  [2, '2026-12-04T12:00:00.000Z', '2, next expires in 6 days', true],
  [2, '2026-12-05T12:00:00.000Z', '2, next expires in 7 days', false],
  [1, '2026-11-28T13:59:00.000Z', '1, expires in 1 hour', true],
])('%i credentials that expire at %s: %s', (active, nextExpiresAt, words, isSoon) => {
  expect(credentialWords({ active, nextExpiresAt }, now)).toEqual({ words, isSoon });
});

it.each([
  ['2026-11-28T12:00:59.000Z', 'now'],
  ['2026-11-28T11:59:01.000Z', 'now'],
  ['2026-11-28T11:59:00.000Z', '1 minute ago'],
  ['2026-11-28T10:30:00.000Z', '1 hour ago'],
  ['2026-11-27T11:00:00.000Z', 'yesterday'],
  ['2026-11-29T13:00:00.000Z', 'tomorrow'],
  ['2026-10-01T12:00:00.000Z', '58 days ago'],
])('%s is %s', (iso, words) => expect(formatRelative(iso, now)).toBe(words));
