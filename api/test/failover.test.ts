import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, registerAgent, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';
import { startPostgresPair } from './support/postgres-servers.ts';
import type { PostgresServer } from './support/postgres-servers.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { until } from '../../dev/test/support/until.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** Transactions of the primary that the standby never gets. */
const LOST = 300;

let primary: PostgresServer;
let standby: PostgresServer;
/** The way to Postgres of a process that lives through the failover. */
let proxy: Proxy;
let survivor: TestApi;
let member: TestMember;
let agents: TestAgent[];
beforeAll(async () => {
  ({ primary, standby } = await startPostgresPair(async ({ appUrl }) => {
    proxy = await startProxy(appUrl);
    const env = { APP_DATABASE_URL: proxy.url, RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
    survivor = await startApi({ database: 'a server of its own', env });
    member = await signUp(survivor);
    agents = await Promise.all([1, 2, 3].map(() => registerAgent(survivor, member)));
  }));
  proxy.lead(primary.appUrl);
});
afterAll(async () => {
  await proxy.cut();
  await survivor.close();
  await primary.stop();
  await standby.stop();
});

const use = async (token: string): Promise<number> =>
  (await call(survivor, '/agents?limit=1', { headers: { authorization: `Bearer ${token}` } })).status;
const becomes = (token: string, status: number): Promise<void> =>
  until(`the token is answered ${status}`, async () => (await use(token)) === status);

it('What a failed-over Postgres has of revocations holds, and nothing else', async () => {
  const [revoked, ofRevoked, ofSuspended] = agents as [TestAgent, TestAgent, TestAgent];
  const ask = async (agent: TestAgent) =>
    (await agent.requestToken()).body.access_token as string | undefined;
  await until('tokens are issued', async () => (await ask(revoked)) !== undefined);
  const tokens = (await Promise.all(agents.map(ask))) as [string, string, string];
  for (const token of tokens) await becomes(token, 200);
  await member.post(`/agents/${ofSuspended.agentId}/suspend`, {});
  await becomes(tokens[2], 401);
  for (let i = 0; i < LOST; i++) await primary.sql('select pg_current_xact_id()');
  // The survivor has read what is newer than these.
  await survivor.deps.tokenFeed.refresh();
  await proxy.cut();
  await primary.stop();

  await standby.sql('select pg_promote()');
  await until('the standby takes writes', async () => {
    const [row] = await standby.sql('select pg_is_in_recovery() as standby');
    return row!.standby === false;
  });
  // Another process is there first.
  const env = {
    APP_DATABASE_URL: standby.appUrl,
    RATE_LIMIT_MAX_REQUESTS: '1000000',
    BILLING_ENABLED: 'false',
  };
  const first = await startApi({ database: 'a server of its own', env });
  const { status } = await call(first, '/oauth2/revoke', {
    method: 'POST',
    headers: { authorization: basic(revoked.clientId, revoked.clientSecret) },
    body: new URLSearchParams({ token: tokens[0] }),
  });
  expect(status).toBe(200);
  await standby.sql(`update credentials set revoked_at = now() where id = '${ofRevoked.credentialId}'`);
  await first.close();

  proxy.lead(standby.appUrl);
  await proxy.mend();
  await becomes(tokens[2], 200);
  expect(await Promise.all(tokens.map(use))).toEqual([401, 401, 200]);
});
