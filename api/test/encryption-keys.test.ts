import { execFile } from 'node:child_process';
import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendMails } from '../src/services/mail/send-mails.ts';
import { rotateSigningKeys } from '../src/services/signing-keys/rotate-signing-keys.ts';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';
import { DASHBOARD_URL, startApi, testEnvironment } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { NO_RATE } from './support/metered.ts';

const NEW = `k2:${Buffer.alloc(32, 9).toString('base64')}`;
const main = fileURLToPath(new URL('../src/keys-rotate/main.ts', import.meta.url));

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi({ env: NO_RATE });
  member = await signUp(api);
});
afterAll(() => api.close());

const old = () => testEnvironment(api.database).KEY_ENCRYPTION_KEYS!;

const startWith = (keys: string): Promise<TestApi> =>
  startApi({ env: { ...NO_RATE, KEY_ENCRYPTION_KEYS: keys }, database: api.database });

/** What `--list` says of each encryption key. */
const list = async (keys: string): Promise<string[]> => {
  const env = { ...bareEnvironment, ...testEnvironment(api.database), KEY_ENCRYPTION_KEYS: keys };
  const { stdout } = await promisify(execFile)(process.execPath, [main, '--list'], { env });
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('encryption key'));
};

const register = (process: TestApi, key: string) =>
  call(process, '/agents', {
    method: 'POST',
    headers: {
      cookie: member.cookie,
      origin: DASHBOARD_URL,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify({ name: `agent ${key}` }),
  });

describe('a new encryption key', () => {
  it('The list counts what an encryption key still protects', async () => {
    expect((await register(api, 'list')).status).toBe(201);
    // As an operator does it: the new key last, then first, then two rotations.
    expect(await list(`${old()},${NEW}`)).toEqual([
      'encryption key k1  encrypts new values  (mails: 1, signing keys: 2, stored responses: 1)',
      'encryption key k2  is unused: remove it, unless it is first in the list of any process  (nothing)',
    ]);
    const both = `${NEW},${old()}`;
    expect(await list(both)).toEqual([
      'encryption key k2  encrypts new values  (nothing)',
      'encryption key k1  is still needed  (mails: 1, signing keys: 2, stored responses: 1)',
    ]);

    const process = await startWith(both);
    for (const minutes of [11, 22])
      await rotateSigningKeys(process.deps, { now: new Date(Date.now() + minutes * 60_000), early: true });
    await process.close();
    expect(await list(both)).toEqual([
      'encryption key k2  encrypts new values  (signing keys: 2)',
      'encryption key k1  is still needed  (mails: 1, stored responses: 1)',
    ]);
    expect(await list(NEW)).toContain(
      'encryption key k1  is missing: add it to KEY_ENCRYPTION_KEYS again  (mails: 1, stored responses: 1)',
    );

    // What nobody will ever decrypt needs no key.
    await api.sql('update idempotency_keys set answer_until = now()');
    await api.sql('update mails set sent_at = now()');
    expect(await list(both)).toEqual([
      'encryption key k2  encrypts new values  (signing keys: 2)',
      'encryption key k1  is unused: remove it, unless it is first in the list of any process  (nothing)',
    ]);
  });

  it('Every module that encrypts is counted', async () => {
    const src = fileURLToPath(new URL('../src', import.meta.url));
    const found: string[] = [];
    for await (const file of glob('**/*.ts', { cwd: src }))
      if (
        /import \{[^}]*\bseal\b[^}]*\} from '[./]*platform\/envelope\.ts'/.test(
          await readFile(`${src}/${file}`, 'utf8'),
        )
      )
        found.push(file);
    // Each has its line in `count_sealed`; a new one needs one, or its key is removed too early.
    expect(found.sort()).toEqual([
      'services/idempotency/answer-once.ts',
      'services/mail/sealed-data.ts',
      'services/signing-keys/signing-key-rows.ts',
      'services/two-factor/sealed-secret.ts',
    ]);
  });
});

describe('an encryption key that was removed too early', () => {
  it('An answer that cannot be decrypted is gone', async () => {
    expect((await register(api, 'gone')).status).toBe(201);
    const without = await startWith(NEW);
    const { status, body } = await register(without, 'gone');
    expect([status, body.code]).toEqual([409, 'idempotent_answer_gone']);
    expect(body.detail).toContain('The request succeeded');
    expect(without.logs.filter(({ msg }) => /cannot be decrypted/.test(String(msg)))).toMatchObject([
      { level: 40, err: { message: 'KEY_ENCRYPTION_KEYS has no key "k1"' } },
    ]);
    await without.close();
    const again = await startWith(`${NEW},${old()}`);
    expect((await register(again, 'gone')).status).toBe(201);
    await again.close();
  });

  it('A mail that cannot be decrypted is given up after half a day', async () => {
    await signUp(api);
    await api.sql(
      'update mails set sent_at = now() where id not in (select id from mails order by created_at desc limit 1)',
    );
    const without = await startWith(NEW);
    const delivered: unknown[] = [];
    const deliver = async (mail: unknown): Promise<void> => void delivered.push(mail);
    for (let i = 0; i < 25; i++) {
      await api.sql(`update mails set next_attempt_at = now() where next_attempt_at < 'infinity'`);
      await sendMails({ ...without.deps, deliver });
    }
    expect(delivered).toEqual([]);
    expect(
      await api.sql(`select attempts, next_attempt_at = 'infinity' as over from mails where sent_at is null`),
    ).toEqual([{ attempts: 21, over: true }]);
    expect(without.logs.filter(({ msg }) => msg === 'sending a mail failed; it is not retried')).toHaveLength(
      1,
    );
    await without.close();
  });
});
