import { createHash } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import { createTestDatabase, dropTestDatabase } from './support/servers.ts';

const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64');

interface KeyRow {
  kid: string;
  status: string;
  public_jwk: Record<string, string>;
  private_key: string;
}

const signingKeys = async (api: TestApi): Promise<KeyRow[]> =>
  (await api.sql('select * from signing_keys order by status')) as unknown as KeyRow[];

describe('the signing key', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.close());

  /** A second process over the same database, with other keys in its environment. */
  const restart = (keys: string): Promise<TestApi> =>
    startApi({ database: api.database, env: { KEY_ENCRYPTION_KEYS: keys } });

  it('Two processes make one first key, and its next', async () => {
    const database = await createTestDatabase();
    const both = await Promise.all([startApi({ database }), startApi({ database })]);
    const [first, second] = both;
    const rows = await signingKeys(first);
    expect(rows.map(({ status }) => status)).toEqual(['current', 'next']);
    expect(both.map(({ deps }) => deps.signingKeys.current.kid)).toEqual([rows[0]!.kid, rows[0]!.kid]);

    const agent = await registerAgent(first, await signUp(first));
    const token = await agent.token();
    expect(decodeProtectedHeader(token).kid).toBe(rows[0]!.kid);
    const reply = await call(second, '/agents', { headers: { authorization: `Bearer ${token}` } });
    expect(reply.status).toBe(200);
    await Promise.all(both.map((one) => one.close()));
    await dropTestDatabase(database);
  });

  it('is sealed in its row: a dump has nothing that signs', async () => {
    const [row] = await signingKeys(api);
    const { privateKey } = api.deps.signingKeys.current;
    const { d } = privateKey.export({ format: 'jwk' });
    expect(Object.keys(row!.public_jwk).sort()).toEqual(['crv', 'kty', 'x', 'y']);
    expect(row!.private_key).toMatch(/^k1(\.[\w-]+){3}$/);
    const dump = JSON.stringify(row);
    expect(dump).not.toContain(d);
    expect(Buffer.from(row!.private_key.split('.')[3]!, 'base64url').toString('latin1')).not.toContain(d);
  });

  it.each([
    ['another key under the same id', `k1:${keyOf(8)}`, 'the key "k1" of KEY_ENCRYPTION_KEYS cannot decrypt'],
    ['no key of that id', `k2:${keyOf(7)}`, 'KEY_ENCRYPTION_KEYS has no key "k1"'],
  ])('A wrong encryption key stops the start, with a clear word: %s', async (_what, keys, words) => {
    await expect(restart(keys)).rejects.toThrow(words);
    expect(await signingKeys(api)).toHaveLength(2);
  });

  it('opens with its old key while a newer one stands first', async () => {
    const second = await restart(`k2:${keyOf(8)},k1:${keyOf(7)}`);
    expect(second.deps.signingKeys.current.kid).toBe(api.deps.signingKeys.current.kid);
    await second.close();
  });

  it('A moved key cannot be decrypted', async () => {
    const [row] = await signingKeys(api);
    const other = createHash('sha256').update('another row').digest('base64url');
    const move = (from: string, to: string) =>
      api.sql('update signing_keys set kid = $2 where kid = $1', [from, to]);
    await move(row!.kid, other);
    await expect(restart(`k1:${keyOf(7)}`)).rejects.toThrow('cannot decrypt');
    await move(other, row!.kid);
  });
});

describe('a client secret', () => {
  it('A hash is worth nothing without its pepper, and the secret is in no column', async () => {
    const api = await startApi();
    const agent = await registerAgent(api, await signUp(api));
    const [row] = await api.sql('select * from credentials where id = $1', [agent.credentialId]);
    const random = agent.clientSecret.split('_').slice(2, -1).join('_');
    expect(JSON.stringify(row)).not.toContain(random);
    const plain = createHash('sha256').update(agent.clientSecret).digest();
    expect(plain.equals(row!.secret_hash as Buffer)).toBe(false);
    expect((row!.secret_hash as Buffer).length).toBe(32);

    const env = (peppers: string) => ({
      database: api.database,
      env: { CLIENT_SECRET_PEPPERS: peppers },
    });
    const outcome = async (peppers: string): Promise<boolean> => {
      const other = await startApi(env(peppers));
      const { status } = await agent.requestToken({}, other);
      await other.close();
      return status === 200;
    };
    expect(await outcome(`p2:${keyOf(9)},p1:${keyOf(7)}`)).toBe(true);
    expect(await outcome(`p1:${keyOf(9)}`)).toBe(false);
    expect(await outcome(`p2:${keyOf(7)}`)).toBe(false);
    await api.close();
  });
});
