import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { addKey, requestByAssertion, signAssertion } from './support/assertions.ts';
import type { TestKey } from './support/assertions.ts';
import { basic, grantResources, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { TestAgent } from './support/callers.ts';
import { appUrl, createTestDatabase, dropTestDatabase } from './support/servers.ts';
import { tapStatements } from './support/statements.ts';
import type { Tap } from './support/statements.ts';

const CRM = 'https://crm.example';

let tap: Tap;
let api: TestApi;
let agent: TestAgent;
let key: TestKey;

beforeAll(async () => {
  const database = await createTestDatabase();
  tap = await tapStatements(appUrl(database));
  api = await startApi({ database, env: { APP_DATABASE_URL: tap.url, RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  const member = await signUp(api);
  agent = await registerAgent(api, member);
  key = await addKey(member, agent.agentId);
  await member.post('/resources', { identifier: CRM, scopes: ['read'] });
  await grantResources(member, agent, { [CRM]: ['read'] });
});
afterAll(async () => {
  await api.close();
  await tap.close();
  await dropTestDatabase(api.database);
});

/** What runs by the clock beside the requests, such as the feed of ended tokens, may fall among them: it only adds. */
const ROUNDS = 30;

/** What an act costs that costs so many transactions at least once in a few rounds; else what it cost the last time. */
const costOf = async (count: number, act: () => Promise<void>): Promise<string[][]> => {
  let cost: string[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await act();
    cost = tap.takeTransactions();
    if (cost.length === count) break;
  }
  return cost;
};

/** What the second of two requests costs. A pair that a slow machine takes too long for is cold, and costs more. */
const costOfSecond = (ask: () => Promise<{ status: number }>): Promise<string[][]> =>
  costOf(1, async () => {
    expect((await ask()).status).toBe(200);
    tap.takeTransactions();
    expect((await ask()).status).toBe(200);
  });

const COMMIT = [[expect.stringContaining('record_tokens')]];

describe('A warm token request runs only the grouped commit', () => {
  it('by a secret', async () => {
    expect(await costOfSecond(() => agent.requestToken())).toEqual(COMMIT);
  });

  it('by an assertion, which is used up in it', async () => {
    const cost = await costOfSecond(() => requestByAssertion(api, signAssertion(key, agent.clientId)));
    expect(cost).toEqual(COMMIT);
  });

  it('for a resource of the tenant, whose grants it checks', async () => {
    const cost = await costOfSecond(() => agent.requestToken({ resource: CRM }));
    expect(cost).toEqual(COMMIT);
  });

  it('by an exchange, whose subject it checks', async () => {
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await agent.token(),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    };
    const cost = await costOfSecond(() => agent.requestToken(form));
    expect(cost).toEqual(COMMIT);
  });

  it('by an exchange for a resource, with the grants of both', async () => {
    const given = await agent.requestToken({ resource: CRM });
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: given.body.access_token as string,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    };
    const cost = await costOfSecond(() => agent.requestToken(form));
    expect(cost).toEqual(COMMIT);
  });

  it('and fifty at once a share of few', async () => {
    await agent.token();
    tap.takeTransactions();
    const replies = await Promise.all(Array.from({ length: 50 }, () => agent.requestToken()));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    const isCommit = (statements: string[]) => statements.some((sql) => sql.includes('record_tokens'));
    expect(tap.takeTransactions().filter(isCommit).length).toBeLessThan(25);
  });

  it('A mistyped secret costs no query', async () => {
    const mistyped = `${agent.clientSecret.slice(0, -12)}${agent.clientSecret.at(-12) === 'A' ? 'B' : 'A'}${agent.clientSecret.slice(-11)}`;
    const cost = await costOf(0, async () => {
      tap.takeTransactions();
      const form = { grant_type: 'client_credentials' };
      const reply = await requestToken(api, basic(agent.clientId, mistyped), form);
      expect([reply.status, reply.body.error]).toEqual([401, 'invalid_client']);
    });
    expect(cost).toEqual([]);
  });
});
