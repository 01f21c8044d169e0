import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { email } from '../src/http/email.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { post, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';

const PASSWORD = 'correct horse battery';

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi();
  member = await signUp(api);
});
afterAll(() => api.close());

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
});

describe('One address is one account', () => {
  it.each([
    ['ada@Bücher.example', ['ADA@bücher.example', 'ada@xn--bcher-kva.example', 'ada@bu\u0308cher.EXAMPLE']],
    ['ada@localhost', ['Ada@LOCALHOST']],
    ['ada@пример.рф', ['ada@xn--e1afmkfd.xn--p1ai']],
  ])('%s', async (first, others) => {
    const made = await post(api, '/auth/sign-up', { email: first, password: PASSWORD });
    expect(made.status).toBe(200);
    const { user } = made.body as { user: { id: string; email: string } };
    expect(await api.sql('select email from users where id = $1', [user.id])).toEqual([
      { email: user.email },
    ]);
    for (const other of others) {
      const again = await post(api, '/auth/sign-up', { email: other, password: 'another password' });
      expect([other, again.status, again.body.code]).toEqual([other, 409, 'email_taken']);
    }
    for (const each of [first, ...others]) {
      const signedIn = await post(api, '/auth/sign-in', { email: each, password: PASSWORD });
      expect([each, signedIn.status, signedIn.body.user]).toEqual([each, 200, user]);
    }
  });

  it('and what is none is refused at every door', async () => {
    for (const typed of ['ada@', 'ädä@example.com', 'ada@münchen.de:80']) {
      const replies = [
        await post(api, '/auth/sign-up', { email: typed, password: PASSWORD }),
        await post(api, '/auth/sign-in', { email: typed, password: PASSWORD }),
        await member.post('/agents', { name: `agent of ${typed}`, email: typed }),
      ];
      for (const { status, body } of replies) {
        expect([status, body.code]).toEqual([400, 'validation_failed']);
        expect((body.errors as { path: string }[])[0]!.path).toBe('body.email');
      }
    }
  });

  it('An agent’s address is stored in the same form', async () => {
    const made = await member.post('/agents', { name: 'with an address', email: 'Ops@Bücher.example' });
    expect([made.status, made.body.email]).toEqual([201, 'ops@xn--bcher-kva.example']);
  });
});
