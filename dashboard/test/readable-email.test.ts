import { expect, it } from 'vitest';
import { readableEmail } from '../src/lib/server/readable-email.ts';

it.each([
  ['ada@example.com', 'ada@example.com'],
  ['ada@xn--bcher-kva.example', 'ada@bücher.example'],
  ['ada@bücher.example', 'ada@bücher.example'],
  ['xn--bcher-kva@localhost', 'xn--bcher-kva@localhost'],
  ['"a@b"@xn--e1afmkfd.xn--p1ai', '"a@b"@пример.рф'],
  ['ada@xn--0', 'ada@xn--0'],
  ['not an address', 'not an address'],
  ['', ''],
])('A person reads the domain of %j in Unicode', (email, readable) => {
  expect(readableEmail(email)).toBe(readable);
});
