import { createSecretKey } from 'node:crypto';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { removeSigningKey, rotateSigningKeys } from '../src/services/signing-keys/rotate-signing-keys.ts';
import type { Keyring } from '../src/platform/keyring.ts';
import { startApi, testEnvironment } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { TestAgent } from './support/callers.ts';
import { until } from '../../dev/test/support/until.ts';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';

const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };

let first: TestApi;
let second: TestApi;
let agent: TestAgent;
beforeAll(async () => {
  first = await startApi({ env });
  second = await startApi({ database: first.database, env });
  agent = await registerAgent(first, await signUp(first));
});
afterAll(async () => {
  await second.close();
  await first.close();
});

interface KeyRow {
  kid: string;
  status: string;
  private_key: string | null;
}

const keys = async (): Promise<KeyRow[]> =>
  (await first.sql(
    `select kid, status, private_key from signing_keys where status <> 'gone' order by since, status`,
  )) as unknown as KeyRow[];
const kidOf = async (status: string): Promise<string> =>
  (await keys()).find((key) => key.status === status)!.kid;
const statuses = async (): Promise<string[]> => (await keys()).map(({ status }) => status).sort();

/** When the keys of the test were made: what is due is counted from there, however busy the machine. */
let begun: number;
const later = (ms: number): Date => new Date(begun + ms);
const DAY = 86_400_000;

/** One key that signs and its next, made now. */
const startAnew = async (): Promise<void> => {
  await first.sql('delete from signing_keys');
  begun = Date.now();
  await rotateSigningKeys(first.deps, { now: later(0) });
  await Promise.all([first, second].map(({ deps }) => deps.tokenFeed.refresh()));
};

const use = async (api: TestApi, token: string): Promise<number> =>
  (await call(api, '/agents?limit=1', { headers: { authorization: `Bearer ${token}` } })).status;

describe('rotateSigningKeys', () => {
  beforeEach(startAnew);

  it('A next key is published before it signs', async () => {
    const before = await keys();
    expect(await rotateSigningKeys(first.deps, { now: later(599_000), early: true })).toEqual([]);
    expect(await keys()).toEqual(before);
    expect(await rotateSigningKeys(first.deps, { now: later(600_000), early: true })).toHaveLength(3);
  });

  it('A key goes through all four stages, and its private half goes when it signs no more', async () => {
    const [old, next] = [await kidOf('current'), await kidOf('next')];
    await rotateSigningKeys(first.deps, { now: later(29 * DAY) });
    expect(await kidOf('current')).toBe(old);
    await rotateSigningKeys(first.deps, { now: later(30 * DAY) });
    expect([await kidOf('previous'), await kidOf('current')]).toEqual([old, next]);
    const sealed = (await keys()).map(({ status, private_key: half }) => [status, half !== null]);
    expect(sealed.sort()).toEqual([
      ['current', true],
      ['next', true],
      ['previous', false],
    ]);
    await rotateSigningKeys(first.deps, { now: later(30 * DAY + 3_659_000) });
    expect(await statuses()).toEqual(['current', 'next', 'previous']);
    await rotateSigningKeys(first.deps, { now: later(30 * DAY + 3_661_000) });
    expect(await statuses()).toEqual(['current', 'next']);
  });

  it('Rotating again changes nothing more', async () => {
    const now = later(31 * DAY);
    const both = [first.deps, second.deps];
    const changes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => rotateSigningKeys(both[i % 2]!, { now })),
    );
    expect(changes.map(({ length }) => length).sort()).toEqual([...Array.from({ length: 9 }, () => 0), 3]);
    expect(await statuses()).toEqual(['current', 'next', 'previous']);
  });

  it('A rotation is noticed by every process within a second', async () => {
    const [old, next] = [await kidOf('current'), await kidOf('next')];
    const token = await agent.token();
    await rotateSigningKeys(first.deps, { now: later(600_000), early: true });
    for (const { deps } of [first, second])
      await until('the new key signs', () => deps.signingKeys.current.kid === next);
    expect(decodeProtectedHeader(token).kid).toBe(old);
    expect(decodeProtectedHeader(await agent.token()).kid).toBe(next);
    expect([await use(first, token), await use(second, token)]).toEqual([200, 200]);
  });

  const newer = { id: 'k9', key: createSecretKey(Buffer.alloc(32, 9)) };
  const alone = { current: newer, find: (id: string) => (id === 'k9' ? newer.key : undefined), ids: ['k9'] };
  /** The newer key first and the older beside it, as an operator would set it. */
  const together = () => {
    const { KEY_ENCRYPTION_KEYS: ours } = first.deps.config;
    return {
      current: newer,
      find: (id: string) => alone.find(id) ?? ours.find(id),
      ids: ['k9', ...ours.ids],
    };
  };
  const rotateWith = (keyring: Keyring, ms: number) =>
    rotateSigningKeys(
      { db: first.deps.db, config: { KEY_ENCRYPTION_KEYS: keyring } },
      { now: later(ms), early: true },
    );

  it('adds no key that the others cannot open', async () => {
    const before = await keys();
    await expect(rotateWith(alone, 600_000)).rejects.toThrow('KEY_ENCRYPTION_KEYS has no key');
    expect(await keys()).toEqual(before);
  });

  it('New keys are sealed by the newest encryption key, and a process that lacks it still verifies', async () => {
    const token = await agent.token();
    await rotateWith(together(), 600_000);
    expect((await keys()).find(({ status }) => status === 'next')!.private_key).toMatch(/^k9\./);
    await rotateWith(together(), 1_200_000);
    await second.deps.tokenFeed.refresh();
    await first.deps.tokenFeed.refresh();
    const reply = await agent.requestToken();
    expect([reply.status, reply.body.error]).toEqual([503, 'temporarily_unavailable']);
    expect([await use(first, token), await use(second, token)]).toEqual([200, 200]);
    expect(JSON.stringify(first.logs)).toContain('KEY_ENCRYPTION_KEYS has no key \\"k9\\"');
  });
});

describe('removeSigningKey', () => {
  beforeEach(startAnew);

  it('A compromised key is gone at once', async () => {
    const [compromised, next] = [await kidOf('current'), await kidOf('next')];
    const token = await agent.token();
    expect([await use(first, token), await use(second, token)]).toEqual([200, 200]);
    const removed = await removeSigningKey(first.deps, compromised, new Date());
    expect(removed).toMatchObject({ status: 'current', publishedAt: expect.any(Date) });
    await until('both refuse it', async () =>
      (await Promise.all([use(first, token), use(second, token)])).every((status) => status === 401),
    );
    const fresh = await agent.token();
    expect(decodeProtectedHeader(fresh).kid).toBe(next);
    expect([await use(first, fresh), await use(second, fresh)]).toEqual([200, 200]);
    expect(await statuses()).toEqual(['current', 'next']);
    const [row] = await first.sql('select status, private_key from signing_keys where kid = $1', [
      compromised,
    ]);
    expect(row).toEqual({ status: 'gone', private_key: null });
    expect(await removeSigningKey(first.deps, compromised, new Date())).toBeUndefined();
  });

  it('replaces a next key that was compromised', async () => {
    const [current, next] = [await kidOf('current'), await kidOf('next')];
    expect(await removeSigningKey(first.deps, next, new Date())).toMatchObject({
      status: 'next',
      publishedAt: undefined,
    });
    expect(await kidOf('current')).toBe(current);
    expect(await kidOf('next')).not.toBe(next);
  });
});

describe('npm run keys:rotate', () => {
  beforeEach(startAnew);
  const main = fileURLToPath(new URL('../src/keys-rotate/main.ts', import.meta.url));
  const run = async (args: string[], given = testEnvironment(first.database)) => {
    const options = { env: { ...bareEnvironment, ...given } };
    return promisify(execFile)(process.execPath, [main, ...args], options).catch(
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
  };

  it('lists the keys, and what seals them', async () => {
    const { stdout } = await run(['--list']);
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^${await kidOf('next')}  next      since \\S+Z  encrypted with k1$`)),
      expect.stringMatching(
        new RegExp(`^${await kidOf('current')}  current   since \\S+Z  encrypted with k1$`),
      ),
      'encryption key k1  encrypts new values  (mails: 1, signing keys: 2)',
    ]);
  });

  it('rotates where the next key may sign, and else says when', async () => {
    const next = await kidOf('next');
    expect((await run([])).stdout).toMatch(/^The next key was published recently and can sign from \S+Z\./);
    await first.sql(`update signing_keys set since = since - interval '10 minutes'`);
    expect((await run([])).stdout).toContain(`${next} signs new tokens\n`);
    expect(await kidOf('current')).toBe(next);
  });

  it('removes a key at once and says what that costs', async () => {
    const kid = await kidOf('current');
    const { stdout } = await run(['--emergency', kid]);
    expect(stdout).toContain(`${kid} is removed\n`);
    expect(stdout).toContain('the API rejects every token that this key signed');
    expect(stdout).toContain('was just published');
    const again = await run(['--emergency', kid]);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain(`No signing key has the id "${kid}"`);
  });

  it('takes an id that begins with a hyphen', async () => {
    const kid = `-${'x'.repeat(42)}`;
    const failed = await run(['--emergency', kid]);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain(`No signing key has the id "${kid}"`);
    expect(await run(['--emergency', '--list'])).toMatchObject({ code: 78, stdout: '' });
  });

  it('prints no value of a wrong setting and exits 78', async () => {
    const failed = await run([], { APP_DATABASE_URL: 'hidden' });
    expect(failed).toMatchObject({ code: 78, stdout: '' });
    expect(failed.stderr).toContain('  - APP_DATABASE_URL must be');
    expect(failed.stderr).toContain('  - KEY_ENCRYPTION_KEYS is missing');
    expect(failed.stderr).not.toContain('hidden');
    expect(await run(['--list', '--emergency', 'x'])).toMatchObject({ code: 78 });
  });
});
