import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Transaction } from '../src/platform/database.ts';
import { newId } from '../src/platform/ids.ts';
import { signAccessToken } from '../src/services/tokens/access-token.ts';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call } from './support/callers.ts';

interface Tenant {
  tenantId: string;
  agentId: string;
  /** The name of its one agent, which no other tenant may ever see. */
  canary: string;
}

/** A tenant with one agent, past the API: signing up costs a slow hash. */
const foundTenant = async (api: TestApi): Promise<Tenant> => {
  const [tenantId, agentId, userId] = [newId('ten'), newId('agt'), newId('usr')];
  const canary = `canary ${tenantId}`;
  await api.sql(`insert into tenants (id, name, slug, created_at) values ($1, $1, $1, now())`, [tenantId]);
  await api.sql(
    `with person as (insert into users (id, name, email, email_verified) values ($1, 'x', $1, true) returning id)
     insert into members (id, tenant_id, user_id, role, created_at) select $2, $3, id, 'owner', now() from person`,
    [userId, newId('mem'), tenantId],
  );
  await api.sql(
    `insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
     values ($1, $2, $3, '{agents:read}', $4, now(), now())`,
    [tenantId, agentId, canary, userId],
  );
  return { tenantId, agentId, canary };
};

const tokenOf = (api: TestApi, { tenantId, agentId }: Tenant): string => {
  const iat = Math.floor(Date.now() / 1_000);
  return signAccessToken(api.deps.signingKeys, {
    iss: PUBLIC_URL,
    aud: PUBLIC_URL,
    sub: agentId,
    client_id: agentId,
    tenant_id: tenantId,
    credential_id: newId('crd'),
    credential_generation: 0,
    scope: 'agents:read',
    jti: newId('evt'),
    iat,
    exp: iat + 900,
  });
};

const TENANT_TABLES = [
  'agents',
  'agent_resource_grants',
  'credentials',
  'usage_events',
  'agent_usage',
  'agent_calls',
  'audit_events',
  'audit_heads',
  'tenant_subscriptions',
  'stripe_customers',
  'checkouts',
  'resources',
  'assertion_uses',
  'mails',
  'credential_notices',
  'revoked_tokens',
  'not_before_marks',
  'auth_failures',
  'idempotency_keys',
  'daily_counts',
  'notices',
];
const PEOPLES_TABLES = [
  'users',
  'sessions',
  'accounts',
  'verifications',
  'two_factors',
  'sign_in_challenges',
  'tenants',
  'members',
  'invitations',
];

describe('the application’s role', () => {
  let api: TestApi;
  let own: Tenant;
  let foreign: Tenant;
  beforeAll(async () => {
    api = await startApi({ env: { DB_POOL_MAX: '1' } });
    [own, foreign] = [await foundTenant(api), await foundTenant(api)];
    for (const { tenantId, agentId } of [own, foreign]) {
      const credentialId = newId('crd');
      await api.sql(
        `insert into credentials (tenant_id, id, agent_id, secret_hash, pepper_id, created_at)
         values ($1, $2, $3, '\\x00', 'p1', now())`,
        [tenantId, credentialId, agentId],
      );
      await api.sql(`insert into assertion_uses values ($1, $2, 'jti', 'evt', now(), $3)`, [
        tenantId,
        credentialId,
        agentId,
      ]);
      const resourceId = newId('res');
      await api.sql(`insert into resources values ($1, $2, 'https://crm.example', '{read}', 900, now())`, [
        tenantId,
        resourceId,
      ]);
      await api.sql(`insert into agent_resource_grants values ($1, $2, $3, '{read}')`, [
        tenantId,
        agentId,
        resourceId,
      ]);
      await api.sql(`insert into usage_events values ($1, now(), 'api_calls', 'test', 1)`, [tenantId]);
      await api.sql(`insert into agent_calls values ($1, now(), $2, 'test', 1)`, [tenantId, agentId]);
      await api.sql(`insert into agent_usage values ($1, $2, 'token_issuances', now(), 1, now())`, [
        tenantId,
        agentId,
      ]);
      await api.sql(
        `insert into audit_events values ($1, 1, 'evt_1', now(), 'system', 'test', null, 'agent.created', 'success',
           null, null, null, '{}', '\\x00', '\\x00')`,
        [tenantId],
      );
      await api.sql('insert into notices values ($1, 80, now())', [tenantId]);
      await api.sql('insert into credential_notices values ($1, $2, now(), 7)', [tenantId, credentialId]);
      await api.sql(`insert into mails values ($1, $2, 'kind', 'key', 'a@example.com', '{}')`, [
        tenantId,
        newId('mai'),
      ]);
      await api.sql(`insert into revoked_tokens values ($1, 'evt_1', now())`, [tenantId]);
      await api.sql('insert into not_before_marks values ($1, $2, now(), false, now())', [tenantId, agentId]);
      await api.sql(`insert into auth_failures values ($1, $2, 'expired', now())`, [tenantId, agentId]);
      await api.sql('insert into stripe_customers values ($1, $2)', [tenantId, `cus_${tenantId}`]);
      await api.sql(
        `insert into checkouts (tenant_id, id, created_by, created_at) values ($1, $2, 'usr', now())`,
        [tenantId, newId('chk')],
      );
      await api.sql(
        `insert into idempotency_keys values ($1, 'member:usr', 'test', 'k', '\\x00', null, now(), now())`,
        [tenantId],
      );
      await api.sql(`insert into daily_counts values ($1, 'creations', now(), 1)`, [tenantId]);
    }
  });
  afterAll(() => api.close());

  const asOwn = (sql: string, values: string[] = []) =>
    api.deps.db.withTenant(own.tenantId, (trx: Transaction) => trx.raw(sql, values));
  /** The SQLSTATE and constraint that a statement fails with. */
  const failure = async (work: PromiseLike<unknown>): Promise<unknown> => {
    const error = (await Promise.resolve(work).catch((reason: unknown) => reason)) as Record<string, unknown>;
    return { code: error.code, constraint: error.constraint };
  };
  const DENIED = { code: '42501', constraint: undefined };

  it.each(TENANT_TABLES)('A query without a tenant sees nothing: %s', async (table) => {
    const counted = `select count(*)::int as rows from ${table}`;
    expect(await api.sql(counted)).toEqual([{ rows: 2 }]);
    const { rows } = await api.deps.db.acrossTenants((trx) => trx.raw(counted));
    expect(rows).toEqual([{ rows: 0 }]);
  });

  it.each(TENANT_TABLES)('sees only rows of its transaction’s tenant: %s', async (table) => {
    expect((await asOwn(`select tenant_id from ${table}`)).rows).toEqual([{ tenant_id: own.tenantId }]);
    expect((await asOwn(`select 1 from ${table} where tenant_id = ?`, [foreign.tenantId])).rows).toEqual([]);
  });

  it('leaves no tenant on the connection when its transaction has ended, and has no other role to go back to', async () => {
    await asOwn('reset role');
    const { rows } = await api.deps.db.acrossTenants((trx) =>
      trx.raw(`select current_setting('app.tenant_id') as tenant, pg_backend_pid() as pid`),
    );
    const again = await asOwn('select pg_backend_pid() as pid, current_user::text as role');
    expect(rows).toEqual([{ tenant: '', pid: again.rows[0].pid }]);
    expect(again.rows[0].role).toBe('sentryagent_app');
    const seen = await api.deps.db.runAlone({ name: 'agents', text: 'select from agents', values: [] });
    expect(seen).toEqual([]);
  });

  it('can insert no row of another tenant, nor give one away', async () => {
    const insert = `insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
      values (?, 'agt_new', 'new', '{}', 'usr', now(), now())`;
    expect(await failure(asOwn(insert, [foreign.tenantId]))).toEqual(DENIED);
    expect(await failure(asOwn('update agents set tenant_id = ?', [foreign.tenantId]))).toEqual(DENIED);
    await asOwn(`update agents set description = 'changed'`);
    expect(await api.sql(`select id from agents where description = 'changed'`)).toEqual([
      { id: own.agentId },
    ]);
  });

  it('A child cannot hang on a foreign parent', async () => {
    const insert = `insert into credentials (tenant_id, id, agent_id, secret_hash, pepper_id, created_at)
      values (?, ?, ?, '\\x00', 'p1', now())`;
    const values = (agentId: string) => [own.tenantId, newId('crd'), agentId];
    const refused = await failure(asOwn(insert, values(foreign.agentId)));
    expect(refused).toEqual({ code: '23503', constraint: 'credentials_agent_fkey' });
    expect(await failure(asOwn(insert, values(newId('agt'))))).toEqual(refused);
  });

  it('A child cannot hang on a foreign parent: a grant on another tenant’s agent or resource', async () => {
    const grants = await api.sql('select * from agent_resource_grants');
    const idsOf = ({ tenantId }: Tenant) => grants.find(({ tenant_id: id }) => id === tenantId)!;
    const [ours, theirs] = [idsOf(own), idsOf(foreign)];
    const grant = (agentId: unknown, resourceId: unknown) =>
      failure(
        asOwn(`insert into agent_resource_grants values (?, ?, ?, '{read}')`, [
          own.tenantId,
          String(agentId),
          String(resourceId),
        ]),
      );
    expect(await grant(theirs.agent_id, ours.resource_id)).toEqual({
      code: '23503',
      constraint: 'agent_resource_grants_agent_fkey',
    });
    expect(await grant(ours.agent_id, theirs.resource_id)).toEqual({
      code: '23503',
      constraint: 'agent_resource_grants_resource_fkey',
    });
  });

  it.each([
    `update audit_events set actor_id = 'other'`,
    'delete from audit_events',
    'truncate audit_events',
  ])('The application cannot change an entry: %s', async (sql) => {
    const read = () => api.sql('select * from audit_events order by tenant_id');
    const before = await read();
    expect(before).toHaveLength(2);
    expect(await failure(asOwn(sql))).toEqual(DENIED);
    expect(await read()).toEqual(before);
  });

  it.each([
    ...[...PEOPLES_TABLES, 'signing_keys', 'stripe_events', 'service_probes'].map(
      (table) => `select from ${table}`,
    ),
    'delete from agents',
    'delete from credentials',
    'delete from audit_heads',
    'delete from tenant_subscriptions',
    `insert into usage_events values ('ten', now(), 'api_calls', 'test', 1)`,
    'delete from usage_events',
    `insert into agent_usage values ('ten', 'agt', 'token_issuances', now(), 1, now())`,
    'update agent_usage set count = 0',
    'delete from agent_usage',
    `insert into agent_calls values ('ten', now(), 'agt', 'test', 1)`,
    'update agent_calls set count = 0',
    'delete from agent_calls',
    'delete from checkouts',
    'delete from daily_counts',
    'delete from notices',
    'select from settled_days',
    `insert into settled_days values (now())`,
    'update mails set recipient = recipient',
    'delete from mails',
    'update stripe_customers set tenant_id = tenant_id',
    'delete from stripe_customers',
    `insert into stripe_events values ('evt_1', 'type', null, now())`,
    `insert into assertion_uses values ('ten', 'crd', 'jti', 'evt', now(), 'agt')`,
    'delete from assertion_uses',
    `update resources set scopes = '{all}'`,
    `update agent_resource_grants set agent_id = 'agt'`,
    `update agent_resource_grants set resource_id = 'res'`,
    'set role sentryagent_assertion_keeper',
    'set role sentryagent_stripe_inbox',
    'set role sentryagent_reconciler',
    'set role sentryagent_observer',
    'set role sentryagent_auditor',
    'set role sentryagent_housekeeper',
    'alter table agents disable row level security',
    'create table notes (text text)',
  ])('may not: %s', async (sql) => {
    expect(await failure(asOwn(sql))).toEqual(DENIED);
  });
});

describe('the roles that cross tenants', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api.close());

  it.each([
    ['sentryagent_session_finder', ['members', 'sessions', 'tenants']],
    ['sentryagent_client_finder', ['agent_resource_grants', 'agents', 'credentials']],
    ['sentryagent_revoker', ['agents', 'not_before_marks', 'revoked_credentials', 'revoked_tokens']],
    // Of credentials three columns, by name.
    ['sentryagent_assertion_keeper', ['assertion_uses']],
    ['sentryagent_tenant_founder', []],
    // Two columns of credentials, by name.
    ['sentryagent_use_recorder', []],
    ['sentryagent_auditor', ['agent_usage', 'audit_heads', 'settled_days', 'usage_events']],
    ['sentryagent_tenant_renamer', ['tenants']],
    ['sentryagent_usage_recorder', ['agent_calls', 'settled_days', 'tenants', 'usage_events']],
    [
      'sentryagent_usage_settler',
      ['agent_calls', 'agent_usage', 'agents', 'settled_days', 'tenants', 'usage_events'],
    ],
    ['sentryagent_usage_warner', ['notices', 'tenant_subscriptions', 'usage_events']],
    ['sentryagent_key_admin', ['signing_keys']],
    ['sentryagent_sealed_counter', ['idempotency_keys', 'mails', 'signing_keys', 'two_factors']],
    ['sentryagent_mailer', ['mails']],
    ['sentryagent_owner_finder', ['members', 'users']],
    ['sentryagent_expiry_finder', ['agents', 'credentials', 'tenants']],
    [
      'sentryagent_housekeeper',
      ['assertion_uses', 'idempotency_keys', 'sessions', 'stripe_events', 'verifications'],
    ],
    ['sentryagent_stripe_inbox', ['checkouts', 'stripe_customers', 'stripe_events']],
    ['sentryagent_reconciler', ['stripe_customers', 'tenant_subscriptions']],
    ['sentryagent_observer', ['service_probes', 'stripe_events']],
    // Of the mails those that are of no tenant.
    ['sentryagent_auth', [...PEOPLES_TABLES, 'mails']],
    ['sentryagent_app', TENANT_TABLES],
  ])('A cross tenant function sees its tables alone: %s', async (role, tables) => {
    const readable = await api.sql(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
         and has_table_privilege($1, oid, 'select') order by 1`,
      [role],
    );
    expect(readable.map(({ relname }) => relname)).toEqual([...tables].sort());
  });
});

describe('50 tenants over 4 connections', () => {
  const REQUESTS = 2_000;
  let api: TestApi;
  let tenants: (Tenant & { token: string })[];
  beforeAll(async () => {
    api = await startApi({
      env: { DB_POOL_MAX: '4', RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' },
    });
    tenants = [];
    for (let i = 0; i < 50; i++) {
      const tenant = await foundTenant(api);
      tenants.push({ ...tenant, token: tokenOf(api, tenant) });
    }
  });
  afterAll(() => api.close());

  /** What one tenant's list is answered: its status and the names in it; nothing where the client went away. */
  const list = async (
    { token }: { token: string },
    signal?: AbortSignal,
  ): Promise<{ status: number; names: string[] } | undefined> => {
    try {
      const init = { headers: { authorization: `Bearer ${token}` }, ...(signal && { signal }) };
      const { status, body } = await call(api, '/agents', init);
      return { status, names: ((body.data ?? []) as { name: string }[]).map(({ name }) => name) };
    } catch (error) {
      if (signal?.aborted) return undefined;
      throw error;
    }
  };

  /** Ends one of the pool's sessions after the other until told to stop; answers how many. */
  const killSessions = async (stopped: () => boolean): Promise<number> => {
    let killed = 0;
    while (!stopped()) {
      const rows = await api.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = $1 and application_name = 'sentryagent-api' order by random() limit 1`,
        [api.database],
      );
      killed += rows.length;
      await wait(150);
    }
    return killed;
  };

  it('A shared pool leaks no row', async () => {
    const answers: { status: number; isOwn: boolean }[] = [];
    let [sent, aborted] = [0, 0];
    const client = async (): Promise<void> => {
      while (sent < REQUESTS) {
        sent += 1;
        const tenant = tenants[randomInt(tenants.length)]!;
        const leaves = randomInt(5) === 0;
        const answer = await list(tenant, leaves ? AbortSignal.timeout(randomInt(1, 15)) : undefined);
        if (!answer) aborted += 1;
        else {
          const isOwn =
            answer.status === 200 ? answer.names.join() === tenant.canary : answer.names.length === 0;
          answers.push({ status: answer.status, isOwn });
        }
      }
    };
    let done = false;
    const killing = killSessions(() => done);
    await Promise.all(Array.from({ length: 24 }, client));
    done = true;
    const killed = await killing;

    expect(answers.filter(({ isOwn }) => !isOwn)).toEqual([]);
    expect(answers.length + aborted).toBe(REQUESTS);
    expect(aborted).toBeGreaterThan(REQUESTS / 20);
    expect(killed).toBeGreaterThan(4);
    // 408: the connection of an aborted request, which this process was too busy to use for 10 s.
    const refused = answers.filter(({ status }) => status !== 200 && status !== 408);
    expect(refused.filter(({ status }) => status !== 503)).toEqual([]);
    // The request that was on the session, and one that took it before its end was noticed.
    expect(refused.length).toBeLessThanOrEqual(2 * killed);

    for (const tenant of tenants) expect(await list(tenant)).toEqual({ status: 200, names: [tenant.canary] });
  });
});
