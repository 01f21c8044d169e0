import { describe, expect, it } from 'vitest';
import { Problem } from '../../src/platform/problem.ts';
import { checkPassword } from '../../src/services/people/check-password.ts';

describe('A weak password is refused with the reason', () => {
  const reason = (password: string, email: string): string | undefined => {
    try {
      checkPassword(password, email);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const COMMON =
    'The password is one of the most common ones. Choose another one, such as four random words.';
  const LOCAL = /^The password contains the part of your email address before the @\./;
  const DOMAIN = /^The password contains the domain name of your email address\./;

  it.each([
    'password',
    '12345678',
    'Password1',
    'PASSWORD123',
    'qwertyuiop',
    'iloveyou1',
    'ｐａｓｓｗｏｒｄ',
  ])('a common one: %s', (password) => expect(reason(password, 'ada@example.com')).toBe(COMMON));

  it.each([
    ['lovelace-2026', 'lovelace@example.com', LOCAL],
    ['my LoveLace is', 'lovelace@example.com', LOCAL],
    ['lovelace-2026', 'lovelace+work@example.com', LOCAL],
    ['Xexample99', 'ada@example.com', DOMAIN],
    ['Xexample99', 'ada@mail.example.com', DOMAIN],
    ['der bücher wurm', 'ada@xn--bcher-kva.example', DOMAIN],
  ])('%s of %s', (password, email, words) => expect(reason(password, email)).toMatch(words));

  it.each([
    ['correct horse battery', 'ada@example.com'],
    // Three letters are in many good passwords by chance.
    ['a canada goose flies', 'ada@example.com'],
    ['a welcome comment', 'ada@example.com'],
  ])('and not %s of %s', (password, email) => expect(reason(password, email)).toBeUndefined());

  it.each([
    ['abcd-efgh', 'abcd@ef.example', LOCAL],
    ['xyz-work-2026', 'ada+work@ex.com', undefined],
    ['adam+work-2026', 'adam+work@ex.com', LOCAL],
    ['my co.uk house', 'ada@ab.co.uk', undefined],
    ['my "a@b" is quoted', '"a@bcde"@ex.com', undefined],
    ['under the sea', 'ada@thes.example', undefined],
    ['the example of it', 'ada@example', undefined],
  ])('%s of %s: the edges of what a part is', (password, email, words) => {
    if (words) expect(reason(password, email)).toMatch(words);
    else expect(reason(password, email)).toBeUndefined();
  });

  it('with its code', () => {
    expect(() => checkPassword('password', 'ada@example.com')).toThrow(Problem);
    expect(() => checkPassword('password', 'ada@example.com')).toThrow(
      expect.objectContaining({ code: 'weak_password' }),
    );
  });
});
