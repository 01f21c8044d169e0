import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent } from './support/callers.ts';
import { appUrl, createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { tapStatements } from './support/statements.ts';
import type { Tap } from './support/statements.ts';
import { holdTime, passTime, restoreTime } from './support/time.ts';

afterAll(restoreTime);

let api: TestApi;
let tap: Tap;
let agents: TestAgent[];
let heldAt: number | undefined;

/** What is kept gets so much older at once, and no older: not on a busy machine either. */
const holdClocks = async (olderMs: number, work: () => Promise<void>): Promise<void> => {
  heldAt = Date.now() + olderMs;
  await holdTime(async () => {
    passTime(olderMs);
    await work();
  }).finally(() => (heldAt = undefined));
};

beforeAll(async () => {
  const database = await createTestDatabase();
  tap = await tapStatements(appUrl(database));
  const env = { APP_DATABASE_URL: tap.url, RATE_LIMIT_MAX_REQUESTS: '1000000' };
  api = await startApi({ env, database, clock: () => new Date(heldAt ?? Date.now()) });
  const members = await Promise.all([signUp(api), signUp(api)]);
  agents = await Promise.all([0, 1, 0, 1, 0, 1].map((index) => registerAgent(api, members[index]!)));
});
afterAll(async () => {
  await api.close();
  await tap.close();
  await dropTestDatabase(api.database);
});

const isGroupedCommit = (statements: string[]): boolean =>
  statements.some((sql) => sql.includes('record_tokens'));

/** What a request that is not warm would ask about its client and its tenant. */
const LOOK_UPS = /find_client|tenant_subscriptions/;

const BY_THE_CLOCK = /read_revoked_tokens|record_credential_uses/;

/** One token for every agent: what the API keeps for a second is fresh after this. */
const warm = async (): Promise<void> => {
  const replies = await Promise.all(agents.map((agent) => agent.requestToken()));
  expect(replies.every(({ status }) => status === 200)).toBe(true);
};

describe('the token path', () => {
  it('A warm token request asks the database for its commit alone', async () => {
    await warm();
    await warm();
    tap.takeTransactions();
    expect((await agents[0]!.requestToken()).status).toBe(200);
    const [commit, ...others] = tap.takeTransactions().filter(isGroupedCommit);
    expect(others).toEqual([]);
    expect(commit).toEqual(['select entry, answer from record_tokens($1, $2, $3)']);
  });

  it('Token requests that come together share their commits', async () => {
    await holdClocks(0, async () => {
      await warm();
      tap.takeTransactions();
      const replies = await Promise.all(
        Array.from({ length: 60 }, (_, index) => agents[index % agents.length]!.requestToken()),
      );
      expect(replies.every(({ status }) => status === 200)).toBe(true);
    });
    // What the API asks by the clock is not of these requests.
    const transactions = tap
      .takeTransactions()
      .filter((statements) => !statements.some((sql) => BY_THE_CLOCK.test(sql)));
    expect(transactions.filter(isGroupedCommit).length).toBeGreaterThan(0);
    expect(transactions.length).toBeLessThan(30);
    expect(transactions.filter((statements) => statements.some((sql) => LOOK_UPS.test(sql)))).toEqual([]);
  });

  it('looks a client up once when what was kept is too old for all of its requests', async () => {
    await warm();
    tap.takeTransactions();
    await holdClocks(1_001, async () => {
      const replies = await Promise.all(Array.from({ length: 20 }, () => agents[0]!.requestToken()));
      expect(replies.every(({ status }) => status === 200)).toBe(true);
    });
    const statements = tap.takeTransactions().flat();
    expect(statements.filter((sql) => sql.includes('find_client'))).toHaveLength(1);
  });
});
