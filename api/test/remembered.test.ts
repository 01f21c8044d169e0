import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { addKey, requestByAssertion, signAssertion } from './support/assertions.ts';
import type { TestKey } from './support/assertions.ts';
import { basic, grantResources, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { appUrl } from './support/servers.ts';

describe('a client that could not be looked up', () => {
  let direct: TestApi;
  /** A process that has been told nothing yet, and whose way to Postgres can be cut. */
  let api: TestApi;
  let proxy: Proxy;
  let member: TestMember;
  let agent: TestAgent;
  let key: TestKey;
  beforeAll(async () => {
    const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
    direct = await startApi({ env });
    proxy = await startProxy(appUrl(direct.database));
    api = await startApi({ database: direct.database, env: { ...env, APP_DATABASE_URL: proxy.url } });
    member = await signUp(direct);
    agent = await registerAgent(direct, member);
    key = await addKey(member, agent.agentId);
    await member.post('/resources', { identifier: 'https://crm.example', scopes: ['read'] });
    await grantResources(member, agent, { 'https://crm.example': ['read'] });
  });
  afterAll(async () => {
    await api.close();
    await proxy.close();
    await direct.close();
  });

  it.each<[string, () => Promise<{ status: number }>]>([
    ['by its secret', () => agent.requestToken({}, api)],
    ['by an assertion', () => requestByAssertion(api, signAssertion(key, agent.clientId))],
    ['and its resource', () => agent.requestToken({ resource: 'https://crm.example' }, api)],
  ])('is let in once Postgres is back: %s', async (_how, ask) => {
    await proxy.cut();
    const refused = await Promise.all([ask(), ask(), ask()]);
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503]);
    await proxy.mend();
    await expect.poll(async () => (await ask()).status).toBe(200);
  });

  it('A refusal is not remembered: what is right after it works at once', async () => {
    const other = await registerAgent(direct, member);
    const [first, second] = [await addKey(member, other.agentId), await addKey(member, agent.agentId)];
    const byOther = () => requestByAssertion(api, signAssertion(first, other.clientId));
    const ask = (secret: string) =>
      requestToken(api, basic(other.clientId, secret), { grant_type: 'client_credentials' });
    for (const [ended, live] of [
      ['revoked_at = now()', 'revoked_at = null'],
      [`expires_at = now() - interval '1 minute'`, 'expires_at = null'],
    ] as const) {
      const set = (to: string) =>
        direct.sql(`update credentials set ${to} where agent_id = $1`, [other.agentId]);
      await set(ended);
      expect((await ask(other.clientSecret)).status).toBe(401);
      expect((await byOther()).status).toBe(401);
      await set(live);
      expect((await ask(other.clientSecret)).status).toBe(200);
      expect((await byOther()).status).toBe(200);
    }
    // A key of another agent, and then one's own that is new.
    const foreign = await requestByAssertion(api, signAssertion(second, other.clientId));
    expect(foreign.status).toBe(401);
    const added = await addKey(member, other.agentId);
    expect((await requestByAssertion(api, signAssertion(added, other.clientId))).status).toBe(200);
  });
});
