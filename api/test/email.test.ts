import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  it('and text that is no address is refused everywhere', async () => {
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
