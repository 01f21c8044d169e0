import { describe, expect, it } from 'vitest';
import { email } from '../../src/http/email.ts';

/** As it is typed, and as it is stored. */
const accepted: [typed: string, stored: string][] = [
  ['ada@example.com', 'ada@example.com'],
  ['  Ada.Lovelace@Example.COM ', 'ada.lovelace@example.com'],
  ['ada@localhost', 'ada@localhost'],
  ['.ada..lovelace.@example.com', '.ada..lovelace.@example.com'],
  ["o'hara+sentry!#$%&*/=?^_`{|}~-@example.com", "o'hara+sentry!#$%&*/=?^_`{|}~-@example.com"],
  ['ada@127.0.0.1', 'ada@127.0.0.1'],
  ['ada@xn--e1afmkfd.xn--p1ai', 'ada@xn--e1afmkfd.xn--p1ai'],
  ['ada@Пример.РФ', 'ada@xn--e1afmkfd.xn--p1ai'],
  ['ada@münchen.de', 'ada@xn--mnchen-3ya.de'],
  ['ada@mu\u0308nchen.de', 'ada@xn--mnchen-3ya.de'],
  ['ada@日本。jp', 'ada@xn--wgv71a.jp'],
  ['ada@ｅｘａｍｐｌｅ.com', 'ada@example.com'],
  ['ada@exam\u00adple.com', 'ada@example.com'],
  [`${'a'.repeat(242)}@example.com`, `${'a'.repeat(242)}@example.com`],
];

const refused = [
  '',
  'ada',
  'ada@',
  '@example.com',
  'ada@@example.com',
  'a da@example.com',
  'ada@exa mple.com',
  'ada@-example.com',
  'ada@example-.com',
  'ada@example..com',
  'ada@example.com.',
  'ada@münchen.de.',
  'ada@münchen..de',
  'ada@mün chen.de',
  'ada@münchen.de:80',
  'ada@münchen.de/path',
  'ada@münchen.de?x',
  'ada@münchen.de#x',
  'ada@m%C3%BCnchen-é.de',
  'eve@ada@münchen.de',
  'ada@münchen\\.de',
  'ada@[münchen].de',
  'ada@é／x.de',
  'ada@é\u200d.com',
  'ada@xn--é.com',
  'ädä@example.com',
  '"ada"@example.com',
  'ada@[127.0.0.1]',
  'Ada <ada@example.com>',
  'ada\n@example.com',
  `ada@${'é'.repeat(64)}.com`,
  `${'a'.repeat(243)}@example.com`,
  `${'a'.repeat(240)}@é.example.com`,
];

describe('The form of an email address', () => {
  it.each(accepted)('%s is stored as %s', (typed, stored) => {
    expect(email.safeParse(typed)).toEqual({ success: true, data: stored });
    expect(email.parse(stored)).toBe(stored);
  });

  it.each(refused)('%s is none', (typed) => {
    expect(email.safeParse(typed).success).toBe(false);
  });

  const ASCII = 'must have only ASCII characters before the @, such as name@example.com';
  const FORM = 'must have the form name@example.com';
  it.each([
    ['ädä@example.com', [ASCII]],
    ['ä\n@example.com', [ASCII]],
    ['ada', [FORM]],
    ['ada@é/', [FORM]],
    ['ä', [FORM]],
    [`ä@${'a'.repeat(300)}`, ['must be short']],
    [`${'a'.repeat(240)}@é.example.com`, ['must be short']],
  ])('%s is refused in words that help', (typed, words) => {
    const { error } = email.safeParse(typed, { error: () => 'must be short' });
    expect(error?.issues.map(({ message }) => message)).toEqual(words);
  });
});
