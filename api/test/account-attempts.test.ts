import crypto from 'node:crypto';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { createAccountAttempts } from '../src/http/account-attempts.ts';
import { createAttemptLimits } from '../src/http/attempt-limits.ts';
import { networkKey } from '../src/platform/address.ts';
import { createRedis } from '../src/platform/redis.ts';
import { Problem } from '../src/platform/problem.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, post } from './support/callers.ts';
import type { Reply } from './support/callers.ts';
import { atFullCost } from './support/password-cost.ts';
import { startRedisServer } from './support/redis-server.ts';
import { redisUrl } from './support/servers.ts';
import { until } from '../../dev/test/support/until.ts';

// Each guess is hashed, one after another: on a busy machine ten take long.
vi.setConfig({ testTimeout: 120_000 });

const PASSWORD = 'correct horse battery';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

let accounts = 0;
let addresses = 0;
/** A new address that no account has used. */
const strange = (): string => {
  const number = ++addresses;
  return `172.16.${number >> 8}.${number & 255}`;
};

interface Owner {
  email: string;
  /** Where the account was made. */
  address: string;
  /** All that the owner's browser has. */
  cookies: string;
}

const makeOwner = async (address = strange()): Promise<Owner> => {
  const email = `owner-${++accounts}@example.com`;
  const made = await post(
    api,
    '/auth/sign-up',
    { email, password: PASSWORD },
    { 'x-forwarded-for': address },
  );
  expect(made.status).toBe(200);
  return { email, address, cookies: cookiesOf(made) };
};

interface How {
  password?: string;
  address?: string;
  cookie?: string;
  target?: TestApi;
}

const signIn = (
  email: string,
  { password = PASSWORD, address = strange(), cookie = '', target = api }: How = {},
) => post(target, '/auth/sign-in', { email, password }, { 'x-forwarded-for': address, cookie });

const guess = (email: string, how: How = {}) => signIn(email, { password: 'not the password', ...how });

/** One guess after another, each from another address, until the limit is reached. Returns the statuses. */
const guesses = async (count: number, attempt: () => Promise<Reply>): Promise<number[]> => {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push((await attempt()).status);
  return statuses;
};

/** As if a minute had passed for the limits that count addresses alone. */
const forgetAddresses = async (): Promise<void> => {
  const keys = await api.deps.redis!.keys('door:sign-in*');
  if (keys.length > 0) await api.deps.redis!.del(keys);
};

const tenRefused = Array.from({ length: 10 }, () => 401);

const expectLimited = (reply: Reply): void => {
  expect([reply.status, reply.body.code, cookiesOf(reply)]).toEqual([429, 'rate_limited', '']);
  const seconds = Number(reply.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(60);
  expect(seconds).toBeLessThanOrEqual(15 * 60);
};

it('A known browser has 20 wrong passwords at a strange address, and 30 at a known one', async () => {
  const statusesOf = async ({ email, cookies: cookie }: Owner, addressOf: () => string) => {
    const statuses: number[] = [];
    for (let i = 0; i < 32; i++) {
      // In Redis: the limits by address alone are lower, and another matter.
      if (i === 15) await forgetAddresses();
      statuses.push((await guess(email, { address: addressOf(), cookie })).status);
    }
    return statuses.filter((status) => status === 401).length;
  };
  expect(await statusesOf(await makeOwner(), strange)).toBe(20);
  const owner = await makeOwner();
  expect(await statusesOf(owner, () => owner.address)).toBe(30);
});

describe('Guesses from many addresses are slowed down', () => {
  it('for an account, where even the right password waits then', async () => {
    const { email } = await makeOwner();
    const statuses = await guesses(120, () => guess(email));
    expect(statuses).toEqual([...tenRefused, ...Array.from({ length: 110 }, () => 429)]);
    expectLimited(await signIn(email));
    expectLimited(await signIn(email.toUpperCase()));
  });

  it('and for an address without an account just the same', async () => {
    const { email } = await makeOwner();
    const closed = await Promise.all(
      [email, 'nobody@example.com'].map(async (address) => {
        expect(await guesses(10, () => guess(address))).toEqual(tenRefused);
        return guess(address);
      }),
    );
    closed.forEach(expectLimited);
    const [known, unknown] = closed.map(({ headers, body }) => [
      [...headers.keys()].sort(),
      Object.keys(body),
    ]);
    expect(unknown).toEqual(known);
  });

  it('also when they come all at once', async () => {
    const accountAttempts = createAccountAttempts(api.deps.redis);
    const wrong = Promise.withResolvers<never>();
    let proving = 0;
    const attempts = Array.from({ length: 40 }, () =>
      accountAttempts.run({ account: 'at-once@example.com', address: strange(), device: undefined }, () => {
        proving++;
        return wrong.promise;
      }),
    );
    const outcomes = Promise.allSettled(attempts);
    await until('ten are looked at', () => proving === 10);
    wrong.reject(new Problem('invalid_credentials', 'Wrong.'));
    const codes = (await outcomes).map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as Problem).code : 'let in',
    );
    expect(codes.sort()).toEqual([
      ...Array.from({ length: 10 }, () => 'invalid_credentials'),
      ...Array.from({ length: 30 }, () => 'rate_limited'),
    ]);
  });

  it('and only a wrong password counts, not a failure of ours', async () => {
    const accountAttempts = createAccountAttempts(api.deps.redis);
    const attempt = { account: 'failures@example.com', address: strange(), device: undefined };
    for (let i = 0; i < 12; i++) {
      await expect(
        accountAttempts.run(attempt, () => Promise.reject(new Error('Postgres is away'))),
      ).rejects.toThrow('Postgres is away');
    }
  });

  it('also without a Redis', async () => {
    const alone = await startApi({ env: { REDIS_RATE_LIMIT_ENABLED: 'false' }, database: api.database });
    const { email } = await makeOwner();
    expect(await guesses(11, () => guess(email, { target: alone }))).toEqual([...tenRefused, 429]);
    await alone.close();
  });

  it('while right passwords are never counted', async () => {
    const { email } = await makeOwner();
    for (let i = 0; i < 12; i++) expect((await signIn(email)).status).toBe(200);
  });
});

describe('Strangers do not lock the owner out', () => {
  it.each([
    ['of a browser that has signed in before, wherever it is', ({ cookies: cookie }: Owner) => ({ cookie })],
    ['of an address that has signed in before', ({ address }: Owner) => ({ address })],
  ])('%s', async (_what, known) => {
    const owner = await makeOwner();
    expect(await guesses(11, () => guess(owner.email))).toEqual([...tenRefused, 429]);
    const reply = await signIn(owner.email, known(owner));
    expect(reply.status).toBe(200);
    const session = await call(api, '/auth/session', { headers: { cookie: cookiesOf(reply) } });
    expect(session.status).toBe(200);
    // Nor does what the owner knows help the strangers.
    expect((await signIn(owner.email)).status).toBe(429);
  });

  it('of an address or a browser that a later sign-in made known', async () => {
    const { email } = await makeOwner();
    const address = strange();
    const cookie = cookiesOf(await signIn(email, { address }));
    expect(await guesses(11, () => guess(email))).toEqual([...tenRefused, 429]);
    for (const known of [{ address }, { cookie }]) expect((await signIn(email, known)).status).toBe(200);
    expectLimited(await signIn(email));
  });

  it('of the IPv6 host that has signed in before, whatever its address is now', async () => {
    const { email } = await makeOwner('2001:db8:71:1::1');
    expect(await guesses(11, () => guess(email))).toEqual([...tenRefused, 429]);
    expect((await signIn(email, { address: '2001:db8:71:1:ffff::2' })).status).toBe(200);
    expectLimited(await signIn(email, { address: '2001:db8:71:2::1' }));
  });

  it('of an address that others guess from for another account', async () => {
    const [one, other] = [await makeOwner(), await makeOwner()];
    const { address } = one;
    expect((await signIn(other.email, { address })).status).toBe(200);
    expect(await guesses(11, () => guess(one.email))).toEqual([...tenRefused, 429]);
    expect(await guesses(10, () => guess(other.email, { address }))).toEqual(tenRefused);
    expect((await signIn(one.email, { address })).status).toBe(200);
  });

  it('whose own browser may be wrong ten times, too', async () => {
    const owner = await makeOwner();
    expect(await guesses(11, () => guess(owner.email))).toEqual([...tenRefused, 429]);
    const { cookies: cookie } = owner;
    expect(await guesses(10, () => guess(owner.email, { cookie }))).toEqual(tenRefused);
    expectLimited(await signIn(owner.email, { cookie }));
  });

  it('nor do people who share its browser', async () => {
    const owner = await makeOwner();
    let cookie = owner.cookies;
    for (let i = 0; i < 2; i++) {
      const other = await makeOwner();
      cookie = cookiesOf(await signIn(other.email, { cookie }));
    }
    expect(await guesses(11, () => guess(owner.email))).toEqual([...tenRefused, 429]);
    const reply = await signIn(owner.email, { cookie });
    expect(reply.status).toBe(200);
    expect((await signIn(owner.email, { cookie: cookiesOf(reply) })).status).toBe(200);
  });

  it.each([
    ['with Redis', () => api.deps.redis],
    ['without', () => undefined],
    ['with one that is away', () => createRedis({ REDIS_URL: 'redis://127.0.0.1:1', REDIS_TIMEOUT_MS: 100 })],
  ])('at any of the last eight addresses, %s', async (how, redis) => {
    const shared = redis();
    const accountAttempts = createAccountAttempts(shared);
    const account = `moves ${how}@example.com`;
    const enter = async (address: string, isRight: boolean): Promise<void> => {
      const attempt = { account, address, device: undefined };
      await accountAttempts.run(attempt, async () => {
        if (!isRight) throw new Problem('invalid_credentials', 'Wrong.');
      });
      // As after a whole sign-in.
      await accountAttempts.remember(attempt);
    };
    const codeOf = (attempt: Promise<void>) =>
      attempt.then(
        () => 'let in',
        (error: unknown) => (error as Problem).code,
      );
    const addresses = Array.from({ length: 9 }, strange);
    for (const address of addresses) await enter(address, true);
    for (let i = 0; i < 10; i++) await codeOf(enter(strange(), false));
    expect(await codeOf(enter(strange(), true))).toBe('rate_limited');
    // A wrong password makes no address known anew.
    const codes = await Promise.all(addresses.map((address) => codeOf(enter(address, false))));
    expect(codes).toEqual(['rate_limited', ...Array.from({ length: 8 }, () => 'invalid_credentials')]);
    if (shared !== api.deps.redis) shared?.disconnect();
  });

  it('and who has used up an own allowance has that of the strangers left', async () => {
    const { email, cookies: cookie } = await makeOwner();
    expect(await guesses(21, () => guess(email, { cookie }))).toEqual([...tenRefused, ...tenRefused, 429]);
  });

  it('and a forged cookie is no known browser’s', async () => {
    const [owner, other] = [await makeOwner(), await makeOwner()];
    const forged = [
      other.cookies,
      owner.cookies.replace('sentryagent-device=dev_', 'sentryagent-device=dev_0'),
      owner.cookies.replace(/(device=[^.]+).*/, '$1'),
      owner.cookies.replace(/(device=[^.]+)[.].*/, '$1.'),
      'sentryagent-device=',
    ];
    expect(new Set([owner.cookies, ...forged]).size).toBe(6);
    await guesses(11, () => guess(owner.email));
    for (const cookie of forged) expectLimited(await signIn(owner.email, { cookie }));
    expect((await signIn(owner.email, { cookie: owner.cookies })).status).toBe(200);
  });
});

it('What is counted of accounts expires and names nobody', async () => {
  const { email } = await makeOwner();
  await guess(email);
  await guess('a-stranger@example.com');
  const redis = new Redis(redisUrl(api.database));
  const keys = await redis.keys('door:*');
  const ofAccounts = keys.filter((key) => /^door:(account|known):/.test(key));
  const lives = await Promise.all(ofAccounts.map((key) => redis.ttl(key)));
  redis.disconnect();
  expect(ofAccounts.length).toBeGreaterThanOrEqual(3);
  for (const key of ofAccounts) expect(key).toMatch(/^door:(account|known):[\w-]{22}$/);
  for (const seconds of lives) {
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(14 * 24 * 3_600);
  }
});

it('An account is known from eight addresses at most', async () => {
  const redis = createRedis({ REDIS_URL: redisUrl(api.database), REDIS_TIMEOUT_MS: 1_500 });
  await once(redis, 'ready');
  const before = await redis.keys('door:known:*');
  const accountAttempts = createAccountAttempts(redis);
  const account = 'traveller@example.com';
  for (let i = 0; i < 100; i++)
    await accountAttempts.remember({ account, address: strange(), device: undefined });
  const own = (await redis.keys('door:known:*')).filter((key) => !before.includes(key));
  const counts = await Promise.all(own.map((key) => redis.zcard(key)));
  redis.disconnect();
  expect(counts).toEqual([8]);
});

it('An unknown address costs as many hashes as a wrong password', async () => {
  const { email } = await makeOwner();
  const scrypt = vi.spyOn(crypto, 'scrypt');
  syncBuiltinESMExports();
  const hashesOf = async (address: string): Promise<unknown[]> => {
    scrypt.mockClear();
    expect((await guess(address)).status).toBe(401);
    return scrypt.mock.calls.map(([, , length, options]) => ({ length, ...options }));
  };
  const hash = expect.objectContaining({ N: 16_384, r: 16, p: 1, length: 64 }) as unknown;
  expect(await hashesOf(email)).toEqual([hash]);
  expect(await hashesOf('nobody-at-all@example.com')).toEqual([hash]);
  scrypt.mockRestore();
  syncBuiltinESMExports();
});

it('A flood of strangers takes no turn of a known browser', () =>
  atFullCost(async () => {
    const owner = await makeOwner();
    let refused = 0;
    // One at work and as many as may wait: whoever came after them would be hashed last, or not at all.
    const flood = Array.from({ length: 33 }, async (_, i) => {
      if ((await guess(`flood-${i}@example.com`)).status === 401) refused++;
    });
    await Promise.race(flood);
    expect((await signIn(owner.email, { cookie: owner.cookies })).status).toBe(200);
    expect(refused).toBeLessThan(16);
    await Promise.all(flood);
  }));

it('A network signs in 100 times a minute', async () => {
  const host = (i: number) => `2001:db8:79:${i.toString(16)}::1`;
  const { signInNetwork } = createAttemptLimits(api.deps.redis, { SIGN_UP_MAX_PER_MINUTE: 60 });
  const { email } = await makeOwner();
  for (let i = 0; i < 99; i++) await signInNetwork.consume(networkKey(host(i)));
  expect((await signIn(email, { address: host(99) })).status).toBe(200);
  const refused = await signIn(email, { address: host(100) });
  expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
  expect((await signIn(email, { address: '2001:db8:7a::1' })).status).toBe(200);
});

it('An IPv6 network takes no more places than a customer needs', async () => {
  const host = (i: number) => `2001:db8:77:${i.toString(16)}::1`;
  const limit = createAttemptLimits(undefined, { SIGN_UP_MAX_PER_MINUTE: 60 }).signInNetwork;
  for (let i = 0; i < 100; i++) await limit.consume(networkKey(host(i)));
  await expect(limit.consume(networkKey(host(101)))).rejects.toMatchObject({ code: 'rate_limited' });
  await limit.consume(networkKey('2001:db8:78::1'));
});

it('A hanging Redis neither lifts a limit nor lowers it', async () => {
  const server = await startRedisServer();
  const redis = createRedis({ REDIS_URL: server.url, REDIS_TIMEOUT_MS: 100 });
  await redis.ping().catch(() => once(redis, 'ready'));
  server.freeze();
  const { signIn } = createAttemptLimits(redis, { SIGN_UP_MAX_PER_MINUTE: 60 });
  for (let i = 0; i < 20; i++) await signIn.consume('192.0.2.1');
  await expect(signIn.consume('192.0.2.1')).rejects.toMatchObject({ code: 'rate_limited' });
  redis.disconnect();
  await server.close();
});
