import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { createTestClock, signUpGuarded, verify } from './support/two-factor.ts';

const clock = createTestClock();
let api: TestApi;
beforeAll(async () => {
  api = await startApi({ clock: clock.read });
});
afterAll(() => api.close());

const KEYS = Object.fromEntries(
  [7, 8].map((byte) => [byte, Buffer.alloc(32, byte).toString('base64')] as const),
) as Record<7 | 8, string>;
const startWith = (keys: string): Promise<TestApi> =>
  startApi({ clock: clock.read, database: api.database, env: { KEY_ENCRYPTION_KEYS: keys } });

const sealedKeys = async () =>
  (await api.sql('select key_id, count::int from count_sealed() where what like $1', ['%apps'])).map(
    ({ key_id, count }) => [key_id, count],
  );

it('The secrets of a second factor are useless to a reader of the database', async () => {
  const person = await signUpGuarded(api, clock);
  const cookie = await person.begin();
  const token = cookie.slice('sentryagent-challenge='.length);
  const tables = await api.sql(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const all = tables.map(({ name }) => `select t::text as row from ${String(name)} t`).join(' union all ');
  const rows = (await api.sql(all)).map(({ row }) => String(row)).join('\n');
  expect(rows).toContain(person.userId);
  const secrets = [
    person.key,
    token,
    ...person.recoveryCodes,
    ...person.recoveryCodes.map((code) => code.replaceAll('-', '')),
  ];
  for (const secret of secrets) {
    for (const form of [
      secret,
      Buffer.from(secret).toString('hex'),
      Buffer.from(secret).toString('base64'),
    ]) {
      expect([form, rows.toLowerCase().includes(form.toLowerCase())]).toEqual([form, false]);
    }
  }
  // Nor can the key of one person be copied to another.
  const other = await signUpGuarded(api, clock);
  await api.sql(
    `update two_factors set sealed_secret = (select sealed_secret from two_factors where user_id = $2)
     where user_id = $1`,
    [other.userId, person.userId],
  );
  expect((await verify(api, await other.begin(), { code: person.code() })).status).toBe(503);
  await api.sql('delete from two_factors where user_id = $1', [other.userId]);
});

it('Second factors follow the encryption key', async () => {
  const people = [await signUpGuarded(api, clock), await signUpGuarded(api, clock)];
  const [[, count]] = (await sealedKeys()) as [[string, number]];
  expect(await sealedKeys()).toEqual([['k1', count]]);
  // Every process has both keys before one encrypts with the new one.
  const both = await startWith(`k1:${KEYS[7]},k2:${KEYS[8]}`);
  expect(await sealedKeys()).toEqual([['k1', count]]);
  const [newer, again] = await Promise.all([1, 2].map(() => startWith(`k2:${KEYS[8]},k1:${KEYS[7]}`)));
  expect(await sealedKeys()).toEqual([['k2', count]]);
  const late = await signUpGuarded(both, clock);
  expect(await sealedKeys()).toEqual([
    ['k1', 1],
    ['k2', count],
  ]);
  await again!.close();
  const last = await startWith(`k2:${KEYS[8]},k1:${KEYS[7]}`);
  expect(await sealedKeys()).toEqual([['k2', (count as number) + 1]]);
  await last.close();

  for (const person of [...people, late]) {
    for (const process of [newer!, both]) {
      expect((await verify(process, await person.begin(), { code: person.code() })).status).toBe(200);
      clock.next();
    }
    // A process without the new key says that it cannot, and counts on an operator.
    expect((await verify(api, await person.begin(), { code: person.code() })).status).toBe(503);
  }
  for (const process of [both, newer!]) await process.close();
});
