import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../src/platform/database.ts';
import { announceExpiry } from '../src/services/agents/announce-expiry.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';

const DAY = 86_400_000;

let api: TestApi;
let owner: TestMember;
let agent: TestAgent;
beforeAll(async () => {
  api = await startApi();
  owner = await signUp(api);
  await verify(owner);
  agent = await registerAgent(api, owner);
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.sql('delete from mails; delete from credential_notices');
  await api.sql('update credentials set expires_at = null');
});

const verify = ({ userId }: TestMember, isVerified = true) =>
  api.sql('update users set email_verified = $2 where id = $1', [userId, isVerified]);

const expireIn = (days: number, { credentialId } = agent) =>
  api.sql(`update credentials set expires_at = now() + make_interval(secs => $2) where id = $1`, [
    credentialId,
    days * 86_400,
  ]);

const clock = (inDays: number) => () => new Date(Date.now() + inDays * DAY);

const announce = (inDays = 0, { after = '', db = api.deps.db }: { after?: string; db?: Database } = {}) =>
  announceExpiry({ db, clock: clock(inDays) }, after);

/** As the workflow does it; answers the pages and the mails that are new. */
const run = async (inDays = 0): Promise<{ pages: number; queued: number }> => {
  const total = { pages: 0, queued: 0 };
  for (let after: string | null = ''; after !== null; total.pages++) {
    const { next, queued } = await announce(inDays, { after });
    total.queued += queued;
    after = next;
  }
  return total;
};

interface Listed {
  credentialId: string;
  agentId: string;
  agentName: string;
  expiresAt: string;
}

interface Digest {
  recipient: string;
  credentials: Listed[];
  more: number;
}

/** The digests of a tenant, the oldest first. */
const digests = async (tenantId = owner.tenantId): Promise<Digest[]> => {
  const rows = await api.sql('select recipient, data from mails where tenant_id = $1 order by id', [
    tenantId,
  ]);
  return rows.map(({ recipient, data }) => ({ recipient, ...(data as object) }) as Digest);
};

/** So many tenants, each with a verified owner and so many credentials that expire in five days. */
const foundTenants = async (prefix: string, tenants: number, credentials: number): Promise<void> => {
  const each = `from generate_series(1, ${tenants}) n, lateral (select '${prefix}' || to_char(n, 'FM0000') as id) t`;
  const many = `${each}, generate_series(1, ${credentials}) m`;
  await api.sql(
    `insert into tenants (id, name, slug, created_at) select id, id, id, now() ${each};
     insert into users (id, name, email, email_verified) select id, id, id || '@example.com', true ${each};
     insert into members (id, tenant_id, user_id, role, created_at) select id, id, id, 'owner', now() ${each};
     insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
       select id, id, id, '{}', id, now(), now() ${each};
     insert into credentials (tenant_id, id, agent_id, secret_hash, pepper_id, created_at, expires_at)
       select id, id || '_' || m, id, '\\x00', 'p1', now(), now() + interval '5 days' ${many}`,
  );
};

describe('the expiry of a credential', () => {
  it('Expiry is announced three times', async () => {
    await expireIn(40);
    const days: number[] = [];
    for (let day = 0; day <= 39; day++) {
      // A credential that has expired by the clock of the test has not by the database's: that is asked now alone.
      if ((await run(day)).queued > 0) days.push(day);
      expect((await run(day)).queued).toBe(0);
    }
    expect(days).toEqual([10, 33, 39]);
    const mails = await digests();
    expect(mails.map(({ credentials }) => credentials.map(({ credentialId }) => credentialId))).toEqual(
      Array.from({ length: 3 }, () => [agent.credentialId]),
    );
    expect(new Set(mails.map(({ recipient }) => recipient))).toEqual(new Set([owner.email]));
  });

  it.each([
    [30.01, []],
    [29.99, [30]],
    [7.01, [30]],
    [6.99, [7]],
    [1.01, [7]],
    [0.99, [1]],
    [0.01, [1]],
    [-0.01, []],
  ])('in %d days: the notice %j', async (days, notices) => {
    await expireIn(days);
    await run();
    expect((await api.sql('select days from credential_notices')).map((row) => row.days)).toEqual(notices);
  });

  it('is announced to the owners alone, and not to another tenant', async () => {
    const [other, second] = [await signUp(api), await signUp(api)];
    await verify(other);
    await verify(second);
    await api.sql(
      `insert into members (id, tenant_id, user_id, role, created_at) values
         ('mem_owner2', $1, $2, 'owner', now()), ('mem_plain', $1, $3, 'member', now())`,
      [owner.tenantId, second.userId, other.userId],
    );
    await expireIn(5);
    expect((await run()).queued).toBe(2);
    expect((await digests()).map(({ recipient }) => recipient).sort()).toEqual(
      [owner.email, second.email].sort(),
    );
    await api.sql(`delete from members where id in ('mem_owner2', 'mem_plain')`);
  });

  it('An unverified owner gets no digest, and after the confirmation the one that is due', async () => {
    await verify(owner, false);
    await expireIn(5);
    expect((await run()).queued).toBe(0);
    expect(await api.sql('select 1 from mails')).toEqual([]);
    await verify(owner);
    expect((await run()).queued).toBe(1);
    expect((await digests())[0]!.credentials).toMatchObject([{ credentialId: agent.credentialId }]);
  });

  it('is announced once by three at once', async () => {
    await expireIn(5);
    const pages = await Promise.all([announce(), announce(), announce()]);
    expect(pages.reduce((sum, { queued }) => sum + queued, 0)).toBe(1);
  });

  it('is announced anew when it moves', async () => {
    await expireIn(5);
    await run();
    await expireIn(6);
    expect((await run(1)).queued).toBe(1);
  });

  it.each([
    ['revoked', `update credentials set revoked_at = now() where id = $1`],
    ['expired', `update credentials set expires_at = now() - interval '1 minute' where id = $1`],
    [
      'of a suspended agent',
      `update agents set status = 'suspended' where id = (select agent_id from credentials where id = $1)`,
    ],
  ])('is not announced of one that is %s', async (_what, sql) => {
    const mine = await registerAgent(api, owner);
    await expireIn(5, mine);
    await api.sql(sql, [mine.credentialId]);
    expect((await run()).queued).toBe(0);
  });
});

describe('the digest', () => {
  it('Many expiring credentials make one mail', async () => {
    await foundTenants('ten_many', 1, 100);
    const [tenantId] = ['ten_many0001'];
    expect((await run()).queued).toBe(1);
    const [digest, ...others] = await digests(tenantId);
    expect(others).toEqual([]);
    expect(digest!.credentials).toHaveLength(20);
    expect(digest!.more).toBe(80);
    expect(digest!.credentials[0]).toEqual({
      credentialId: 'ten_many0001_1',
      agentId: tenantId,
      agentName: tenantId,
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect((await run(1)).queued).toBe(0);
    expect((await run(4.5)).queued).toBe(1);
  });

  it('lists what expires first', async () => {
    const [late, soon] = [await registerAgent(api, owner), await registerAgent(api, owner)];
    await expireIn(20, late);
    await expireIn(3, soon);
    await run();
    expect((await digests())[0]!.credentials.map(({ agentId }) => agentId)).toEqual([
      soon.agentId,
      late.agentId,
    ]);
  });

  it('A tenant has one digest a day', async () => {
    await expireIn(5);
    expect((await run()).queued).toBe(1);
    const late = await registerAgent(api, owner);
    await expireIn(5, late);
    expect((await run()).queued).toBe(0);
    expect((await run(1)).queued).toBe(1);
    expect((await digests())[1]!.credentials.map(({ agentId }) => agentId)).toEqual([late.agentId]);
  });
});

describe('a run of several pages', () => {
  it('announces what expires of each tenant', async () => {
    await foundTenants('ten_page', 1_001, 1);
    await foundTenants('ten_big', 1, 1_200);
    const { pages, queued } = await run();
    expect(pages).toBeGreaterThan(2);
    expect(queued).toBe(1_002);
    expect(await api.sql('select 1 from credential_notices')).toHaveLength(2_201);
    expect((await digests('ten_big0001')).map(({ more }) => more)).toEqual([1_180]);
    expect((await run()).queued).toBe(0);
  });

  it('A run that breaks off announces the rest and repeats nothing', async () => {
    await foundTenants('ten_cut', 10, 2);
    const { db } = api.deps;
    for (const when of ['before', 'after'] as const) {
      let left = 4;
      const breaking: Database = {
        ...db,
        withTenant: async (tenantId, work) => {
          if (when === 'before' && left-- === 0) throw new Error('killed');
          return db.withTenant(tenantId, async (trx) => {
            const result = await work(trx);
            if (when === 'after' && left-- === 0) throw new Error('killed');
            return result;
          });
        },
      };
      await expect(announce(0, { db: breaking })).rejects.toThrow('killed');
    }
    const [{ mails }] = (await api.sql('select count(*)::int as mails from mails')) as [{ mails: number }];
    expect(mails).toBeGreaterThan(0);
    expect(mails).toBeLessThan(10);
    expect((await run()).queued).toBe(10 - mails);
    const perTenant = await api.sql('select distinct tenant_id from mails');
    expect(perTenant).toHaveLength(10);
  });
});
