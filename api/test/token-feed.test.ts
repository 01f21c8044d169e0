import { setTimeout as wait } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Problem } from '../src/platform/problem.ts';
import { createRevocations } from '../src/services/tokens/revocations.ts';
import { startTokenFeed } from '../src/services/tokens/token-feed.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, registerAgent, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { appUrl } from './support/servers.ts';
import { holdTime, passTime, restoreTime } from './support/time.ts';
import { until } from '../../dev/test/support/until.ts';

afterAll(restoreTime);

/** No token of ours lives as long. */
const WEEK_MS = 7 * 86_400_000;
const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };

let first: TestApi;
let second: TestApi;
/** The second process's way to Postgres. */
let proxy: Proxy;
let member: TestMember;
let agent: TestAgent;
beforeAll(async () => {
  first = await startApi({ env });
  proxy = await startProxy(appUrl(first.database));
  second = await startApi({ database: first.database, env: { ...env, APP_DATABASE_URL: proxy.url } });
  member = await signUp(first);
  agent = await registerAgent(first, member);
});
afterAll(async () => {
  await second.close();
  await proxy.close();
  await first.close();
});

const use = async (api: TestApi, token: string): Promise<number> =>
  (await call(api, '/agents?limit=1', { headers: { authorization: `Bearer ${token}` } })).status;

const revoke = async (token: string): Promise<void> => {
  const reply = await call(first, '/oauth2/revoke', {
    method: 'POST',
    headers: { authorization: basic(agent.clientId, agent.clientSecret) },
    body: new URLSearchParams({ token }),
  });
  expect(reply.status).toBe(200);
};

/** By the second process, or another; `tokens.proof.test.ts` judges how soon. */
const expectRefused = async (token: string, api = second): Promise<void> => {
  await until('the token is refused', async () => (await use(api, token)) === 401);
};

/** What the second process makes of a token, before any route: most of these need Postgres themselves. */
const judge = (token: string): Promise<string> =>
  second.deps.verifyAccessToken(token).then(
    (claims) => (claims ? 'passes' : 'refused'),
    (error: unknown) => (error as Problem).code,
  );

const setStatus = (agentId: string, status: string) =>
  first.sql('update agents set status = $2, updated_at = clock_timestamp() where id = $1', [agentId, status]);

/** A token that the second process has accepted, and so remembers. */
const warmToken = async (of: TestAgent = agent): Promise<string> => {
  const token = await of.token();
  expect(await use(second, token)).toBe(200);
  return token;
};

describe('the feed of ended tokens', () => {
  it('refuses a revoked token in every process', async () => {
    const token = await warmToken();
    await revoke(token);
    expect(await use(first, token)).toBe(401);
    await expectRefused(token);
  });

  it('A revocation is felt without notices', async () => {
    const cutting = setInterval(() => {
      void first.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'sentryagent-listener'`,
      );
    }, 50);
    try {
      for (let i = 0; i < 5; i++) {
        const token = await warmToken();
        await revoke(token);
        await expectRefused(token);
      }
    } finally {
      clearInterval(cutting);
    }
  });

  it('A suspended agent loses its tokens', async () => {
    const suspended = await registerAgent(first, member);
    const token = await warmToken(suspended);
    await setStatus(suspended.agentId, 'suspended');
    await Promise.all([first, second].map((api) => expectRefused(token, api)));
    await setStatus(suspended.agentId, 'active');
    await first.deps.tokenFeed.refresh();
    await second.deps.tokenFeed.refresh();
    const fresh = await suspended.token();
    expect([await use(second, fresh), await use(first, fresh)]).toEqual([200, 200]);
    expect([await use(second, token), await use(first, token)]).toEqual([401, 401]);
  });

  it('An agent that is active again is refused nowhere, though a process has not heard of it', async () => {
    const back = await registerAgent(first, member);
    await setStatus(back.agentId, 'suspended');
    await second.deps.tokenFeed.refresh();
    // Without the notice there is the poll alone, which is up to half a second late.
    await first.sql('alter table not_before_marks disable trigger notify_token_feed');
    try {
      await setStatus(back.agentId, 'active');
      expect(await use(second, await back.token())).toBe(200);
    } finally {
      await first.sql('alter table not_before_marks enable trigger notify_token_feed');
    }
  });

  it('ends what an agent was issued before a mark, and nothing else', async () => {
    const [marked, other] = [await registerAgent(first, member), await registerAgent(first, member)];
    const [before, others] = [await warmToken(marked), await warmToken(other)];
    await first.deps.db.withTenant(member.tenantId, (trx) =>
      trx.raw('select mark_not_before(?, ?, now(), null)', [member.tenantId, marked.agentId]),
    );
    await expectRefused(before);
    expect([await use(second, await marked.token()), await use(second, others)]).toEqual([200, 200]);
  });

  it('sees a revocation whose transaction was long under way', async () => {
    const token = await warmToken();
    const { jti } = decodeJwt(token);
    await first.deps.db.withTenant(member.tenantId, async (trx) => {
      const row = { tenant_id: member.tenantId, jti, expires_at: new Date(Date.now() + 900_000) };
      await trx('revoked_tokens').insert(row);
      for (let i = 0; i < 6; i++) {
        await revoke(await agent.token());
        await wait(200);
      }
      expect(await use(second, token)).toBe(200);
    });
    await expectRefused(token);
  });

  it.each([
    ['cut', () => proxy.cut()],
    ['hanging', async () => proxy.hang()],
  ])('No token is accepted unseen: Postgres %s', async (_what, fault) => {
    const [ended, honest] = [await warmToken(), await warmToken()];
    await holdTime(async () => {
      await second.deps.tokenFeed.refresh();
      await fault();
      await revoke(ended);
      // Memory that is younger decides alone, so what follows is refused for its age.
      expect(await judge(honest)).toBe('passes');
      passTime(1_000);
      const judged = await Promise.all([judge(ended), judge(honest)]);
      expect(judged).toEqual(['service_unavailable', 'service_unavailable']);
      expect([await use(second, ended), await use(second, honest)]).toEqual([503, 503]);
    });
    await proxy.cut();
    await proxy.mend();
    await until('an honest token passes', async () => (await use(second, honest)) === 200);
    expect(await use(second, ended)).toBe(401);
  });

  it('asks the database nothing for a warm token', async () => {
    const token = await warmToken();
    let reads = 0;
    const { db } = second.deps;
    const original = db.acrossTenants;
    db.acrossTenants = (work) => {
      reads++;
      return original(work);
    };
    // What is read by the clock may fall between: a check that reads does so in every round.
    await until('no check reads', async () => {
      reads = 0;
      for (let i = 0; i < 500; i++) expect(await second.deps.verifyAccessToken(token)).toBeDefined();
      return reads === 0;
    });
    db.acrossTenants = original;
  });
});

it('A change of the server during a read is not lost', async () => {
  const { db } = first.deps;
  let [held, isHolding]: [Promise<void> | undefined, boolean] = [undefined, false];
  const acrossTenants: typeof db.acrossTenants = async (work) => {
    const answer = await db.acrossTenants(work);
    isHolding = held !== undefined;
    await held;
    return answer;
  };
  const revocations = createRevocations();
  const replace = vi.spyOn(revocations, 'replace');
  // A connection that listens: that was its last query, or it is old enough to have been checked since.
  const listeners = async (): Promise<unknown[]> => {
    const rows = await first.sql(
      `select pid from pg_stat_activity
       where datname = current_database() and application_name = 'sentryagent-listener' and state = 'idle'
         and (query like 'listen %' or query_start > backend_start + interval '1900 ms')`,
    );
    return rows.map(({ pid }) => pid);
  };
  const others = (await listeners()).length;
  const feed = await startTokenFeed({ ...first.deps, db: { ...db, acrossTenants }, revocations });
  await until('the feed listens', async () => (await listeners()).length > others);
  await feed.refresh();
  const { promise, resolve: release } = Promise.withResolvers<void>();
  held = promise;
  await until('a read is held', () => isHolding);
  const [before, old] = [replace.mock.calls.length, await listeners()];
  await first.sql('select pg_terminate_backend(pid) from unnest($1::int[]) pid', [old]);
  await until('all listen again', async () => {
    const now = await listeners();
    return now.length >= old.length && !now.some((pid) => old.includes(pid));
  });
  held = undefined;
  release();
  await feed.refresh();
  expect(replace.mock.calls.length).toBeGreaterThan(before);
  await feed.stop();
});

describe('the memory of ended tokens', () => {
  it('Ended tokens cost no memory for ever', async () => {
    const TABLES = ['revoked_tokens', 'revoked_credentials', 'not_before_marks'];
    const [leaving, suspended] = [await registerAgent(first, member), await registerAgent(first, member)];
    await revoke(await agent.token());
    await member.send('DELETE', `/agents/${leaving.agentId}/credentials/${leaving.credentialId}`);
    await member.post(`/agents/${suspended.agentId}/suspend`, {});
    const rows = async (): Promise<number[]> => {
      const counts = TABLES.map((table) => first.sql(`select count(*)::int as rows from ${table}`));
      return (await Promise.all(counts)).map(([row]) => row!.rows as number);
    };
    const held = await rows();
    expect(Math.min(...held)).toBeGreaterThan(0);

    // The memory of a process of its own, which no timer sweeps here.
    const revocations = createRevocations();
    const feed = await startTokenFeed({ ...first.deps, revocations });
    await feed.stop();
    expect(revocations.size).toBe(held.reduce((sum, count) => sum + count));
    const sweepTables = () =>
      first.deps.db.acrossTenants((trx) => trx.raw('select delete_ended_revocations()'));
    revocations.sweep();
    await sweepTables();
    expect([revocations.size, await rows()]).toEqual([held.reduce((sum, count) => sum + count), held]);

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + WEEK_MS });
    revocations.sweep();
    vi.useRealTimers();
    for (const table of TABLES)
      await first.sql(`update ${table} set expires_at = expires_at - interval '7 days'`);
    await sweepTables();
    expect([revocations.size, await rows()]).toEqual([0, [0, 0, 0]]);
  });
});
