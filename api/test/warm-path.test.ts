import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent } from './support/callers.ts';
import { appUrl, createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { tapStatements } from './support/statements.ts';
import type { Tap } from './support/statements.ts';

let api: TestApi;
let tap: Tap;
let agents: TestAgent[];
/** The API's clock stands here, so that on a busy machine nothing gets old. */
let heldAt: number | undefined;

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
  statements.some((sql) => sql.includes('lock_audit_heads'));

/** What a request that is not warm would ask about its client and its tenant. */
const LOOK_UPS = /find_client|tenant_subscriptions/;

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
    expect(commit).toEqual([
      'begin',
      expect.stringContaining("set_config('role', 'sentryagent_app', true)"),
      expect.stringContaining('lock_audit_heads($1)'),
      expect.stringContaining('live_proofs($1, $2)'),
      'select append_audit($1)',
      'commit',
    ]);
  });

  it('Token requests that come together share their commits', async () => {
    const started = performance.now();
    await warm();
    tap.takeTransactions();
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, index) => agents[index % agents.length]!.requestToken()),
    );
    expect(replies.every(({ status }) => status === 200)).toBe(true);
    const transactions = tap.takeTransactions();
    const commits = transactions.filter(isGroupedCommit);
    expect(commits.length).toBeLessThan(30);
    // What is kept for a second ends on a slow machine: then each agent and tenant is looked up once more.
    const lookUps = transactions.filter((statements) => statements.some((sql) => LOOK_UPS.test(sql)));
    const seconds = Math.floor((performance.now() - started) / 1_000);
    expect(lookUps.length).toBeLessThanOrEqual(seconds * (agents.length + 2));
  });

  it('looks a client up once when what was kept is too old for all of its requests', async () => {
    await warm();
    heldAt = Date.now() + 1_001;
    tap.takeTransactions();
    const replies = await Promise.all(Array.from({ length: 20 }, () => agents[0]!.requestToken()));
    heldAt = undefined;
    expect(replies.every(({ status }) => status === 200)).toBe(true);
    const statements = tap.takeTransactions().flat();
    expect(statements.filter((sql) => sql.includes('find_client'))).toHaveLength(1);
  });
});
