import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import knexFactory from 'knex';
import type { Knex } from 'knex';
import { afterEach, describe, expect, it } from 'vitest';
import { adminUrl, createTestDatabase, dropTestDatabase, query } from '../../api/test/support/servers.ts';
import { ensureAppRole } from '../src/app-role.ts';
import { migrateDown, migrateUp } from '../src/migrate.ts';
import { readCatalogue } from './support/catalogue.ts';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';

const directory = new URL('../src/versions', import.meta.url).pathname;
const main = new URL('../src/main.ts', import.meta.url).pathname;
const versions = readdirSync(directory).sort();

/** What the test undoes when it has ended, the newest first. */
const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const emptyDatabase = async (): Promise<string> => {
  const database = await createTestDatabase('template0');
  undo.push(() => dropTestDatabase(database));
  return database;
};

const knexOf = (databaseUrl: string): Knex => {
  const knex = knexFactory({
    client: 'pg',
    connection: databaseUrl,
    pool: { min: 0, max: 2 },
    migrations: { directory, tableName: 'knex_migrations', loadExtensions: ['.ts'] },
  });
  undo.push(() => knex.destroy());
  return knex;
};

/** The URL of a role that is this test's own; whoever makes it. */
const ownRole = (database: string, password = 'first'): { role: string; url: string } => {
  const role = `test_role_${randomBytes(6).toString('hex')}`;
  undo.push(() => query(adminUrl(), `drop role if exists ${role}`));
  const url = new URL(adminUrl(database));
  [url.username, url.password] = [role, password];
  return { role, url: url.toString() };
};

const run = (args: string[], env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [main, ...args], { env: { ...bareEnvironment, ...env } });

describe('each version', () => {
  it.each(versions)('%s: A migration leaves no trace when undone', async (version) => {
    const url = adminUrl(await emptyDatabase());
    const knex = knexOf(url);
    for (let i = 0; i < versions.indexOf(version); i++) await knex.migrate.up();
    const before = await readCatalogue(url);
    expect((await knex.migrate.up())[1]).toEqual([version]);
    const applied = await readCatalogue(url);
    expect(applied).not.toEqual(before);
    await knex.migrate.down();
    expect(await readCatalogue(url)).toEqual(before);
    await knex.migrate.up();
    expect(await readCatalogue(url)).toEqual(applied);
  });
});

describe('all versions', () => {
  it('leave an empty database when all are undone', async () => {
    const url = adminUrl(await emptyDatabase());
    const empty = await readCatalogue(url);
    expect(await migrateUp({ databaseUrl: url })).toHaveLength(versions.length);
    const newest = await readCatalogue(url);
    expect(await migrateDown({ databaseUrl: url }, true)).toHaveLength(versions.length);
    expect(await readCatalogue(url)).toEqual(empty);
    await migrateUp({ databaseUrl: url });
    expect(await readCatalogue(url)).toEqual(newest);
  });

  it('are undone one at a time unless all are asked for', async () => {
    const databaseUrl = adminUrl(await emptyDatabase());
    await migrateUp({ databaseUrl });
    expect(await migrateDown({ databaseUrl })).toEqual([versions.at(-1)]);
  });

  it('Migrating twice changes nothing', async () => {
    const database = await emptyDatabase();
    const settings = { databaseUrl: adminUrl(database), appDatabaseUrl: ownRole(database).url };
    await migrateUp(settings);
    const applied = await readCatalogue(settings.databaseUrl);
    expect(await migrateUp(settings)).toEqual([]);
    expect(await readCatalogue(settings.databaseUrl)).toEqual(applied);
  });

  it('are applied once by two processes that start together, and both succeed', async () => {
    const database = await emptyDatabase();
    const env = { DATABASE_URL: adminUrl(database), APP_DATABASE_URL: ownRole(database).url };
    const outputs = await Promise.all([run([], env), run([], env)]);
    expect(outputs.map(({ stderr }) => stderr)).toEqual(['', '']);
    const said = outputs.map(({ stdout }) => stdout.split(':')[0]!.trim()).sort();
    expect(said).toEqual(['Applied', 'The database is up to date.']);
    const { rows } = await query(adminUrl(database), 'select name from knex_migrations order by id');
    expect(rows.map(({ name }) => name as string)).toEqual(versions);
  });
});

/** Owns its database and may create roles, like the administrator that a hosted Postgres gives. */
const plainOwner = async (database: string): Promise<string> => {
  const { role, url } = ownRole(database);
  undo.push(() => query(adminUrl(), `drop database ${database} with (force)`));
  const { rows } = await query(
    adminUrl(),
    `select string_agg(rolname, ', ') as roles from pg_roles where rolname ~ '^sentryagent_' and not rolcanlogin`,
  );
  await query(
    adminUrl(),
    `create role ${role} login createrole password 'first';
     grant ${rows[0].roles} to ${role} with admin option;
     alter database ${database} owner to ${role}`,
  );
  return url;
};

describe('an owner of the schema that is no superuser', () => {
  it('migrates up, again, and down', async () => {
    const database = await emptyDatabase();
    const databaseUrl = await plainOwner(database);
    const login = ownRole(database);
    const empty = await readCatalogue(databaseUrl);
    const settings = { databaseUrl, appDatabaseUrl: login.url };
    expect(await migrateUp(settings)).toHaveLength(versions.length);
    const newest = await readCatalogue(databaseUrl);
    expect(await migrateUp(settings)).toEqual([]);
    expect(await readCatalogue(databaseUrl)).toEqual(newest);
    await migrateDown(settings, true);
    expect(await readCatalogue(databaseUrl)).toEqual(empty);
  });

  it('gives the tenants that are there already what later ones are founded with', async () => {
    const database = await emptyDatabase();
    const databaseUrl = await plainOwner(database);
    await knexOf(databaseUrl).migrate.up();
    const sql = async (text: string) => (await query(adminUrl(database), text)).rows as unknown[];
    await sql(`insert into tenants (id, name, slug, created_at) values ('ten_old', 'Old', 'old', now())`);
    await migrateUp({ databaseUrl });
    expect(await sql('select tenant_id, tier from tenant_subscriptions')).toEqual([
      { tenant_id: 'ten_old', tier: 'free' },
    ]);
    expect(await sql('select tenant_id, sequence from audit_heads')).toEqual([
      { tenant_id: 'ten_old', sequence: '0' },
    ]);
  });

  it('An upgrade grants nothing', async () => {
    const databaseUrl = await plainOwner(await emptyDatabase());
    const knex = knexOf(databaseUrl);
    for (let i = 0; i < versions.indexOf('0016_resource_grants.ts'); i++) await knex.migrate.up();
    const admin = adminUrl(new URL(databaseUrl).pathname.slice(1));
    const sql = async (text: string) => (await query(admin, text)).rows as unknown[];
    // What stands behind an agent is left out: this is not about its foreign keys.
    await query(
      admin,
      `set session_replication_role = replica;
       insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
         values ('ten_old', 'agt_old', 'old', '{agents:read}', 'usr_old', now(), now());
       insert into resources values ('ten_old', 'res_old', 'https://crm.example', '{read}', 900, now())`,
    );
    await migrateUp({ databaseUrl });
    expect(await sql('select * from agent_resource_grants')).toEqual([]);
    expect(await sql('select a.id as agent, r.id as resource from agents a, resources r')).toEqual([
      { agent: 'agt_old', resource: 'res_old' },
    ]);
  });

  it('ends the sessions that are older already than one may become', async () => {
    const database = await emptyDatabase();
    const databaseUrl = await plainOwner(database);
    await knexOf(databaseUrl).migrate.up();
    const sql = async (text: string) => (await query(adminUrl(database), text)).rows as unknown[];
    await sql(`
      insert into users (id, name, email, email_verified) values ('usr_1', 'Ada', 'ada@example.com', false);
      insert into sessions (id, token, user_id, created_at, updated_at, expires_at)
      select 'ses_' || days, days, 'usr_1', now() - make_interval(hours => 24 * days), now(), now() + interval '7 days'
      from unnest(array[1, 29, 31]) days`);
    await migrateUp({ databaseUrl });
    const left = await sql(
      'select id, ceil(extract(epoch from expires_at - now()) / 86400)::int as days from sessions order by id',
    );
    expect(left).toEqual([
      { id: 'ses_1', days: 7 },
      { id: 'ses_29', days: 1 },
      { id: 'ses_31', days: expect.toSatisfy((days: number) => days <= 0) },
    ]);
  });
});

describe('0026', () => {
  it('counts the tokens that are in the log already, by agent and UTC day', async () => {
    const database = await emptyDatabase();
    const knex = knexOf(await plainOwner(database));
    const sql = async (text: string) => (await query(adminUrl(database), text)).rows as unknown[];
    for (let i = 0; i < versions.findIndex((name) => name.startsWith('0026_')); i++) await knex.migrate.up();
    await sql(`
      insert into tenants (id, name, slug, created_at) values ('a', 'A', 'a', now()), ('b', 'B', 'b', now());
      insert into audit_events
      select tenant, row_number() over (), 'evt_' || row_number() over (), at::timestamptz, 'agent', actor, 'agt_other',
        action, 'success', null, null, null, '{}', '\\x00', '\\x00'
      from (values
        ('a', 'agt_1', 'token.issued', '2027-01-31 23:59:59.998Z'),
        ('a', 'agt_1', 'token.exchanged', '2027-01-31 23:59:59.999Z'),
        ('a', 'agt_1', 'token.issued', '2027-02-01 01:00:00+01:00'),
        ('a', 'agt_1', 'token.revoked', '2027-02-01 02:00Z'),
        ('a', 'agt_2', 'token.issued', '2027-02-01 03:00Z'),
        ('b', 'agt_3', 'token.issued', '2027-02-01 04:00Z')
      ) as entry (tenant, actor, action, at)`);
    await knex.migrate.up();
    const counted = await sql(`
      select tenant_id || ' ' || agent_id as agent, metric, day::text, count::int, last_at as at
      from agent_usage order by 1, 3`);
    const metric = 'token_issuances';
    expect(counted).toEqual([
      { agent: 'a agt_1', metric, day: '2027-01-31', count: 2, at: new Date('2027-01-31T23:59:59.999Z') },
      { agent: 'a agt_1', metric, day: '2027-02-01', count: 1, at: new Date('2027-02-01T00:00:00Z') },
      { agent: 'a agt_2', metric, day: '2027-02-01', count: 1, at: new Date('2027-02-01T03:00:00Z') },
      { agent: 'b agt_3', metric, day: '2027-02-01', count: 1, at: new Date('2027-02-01T04:00:00Z') },
    ]);
  });
});

describe('0021', () => {
  const version = versions.findIndex((name) => name.startsWith('0021_'));
  /** A database of the version before, with two tenants and their one member. Its owner is under every policy. */
  const before = async (): Promise<{ url: string; knex: Knex }> => {
    const database = await emptyDatabase();
    const url = adminUrl(database);
    const knex = knexOf(await plainOwner(database));
    for (let i = 0; i < version; i++) await knex.migrate.up();
    await query(
      url,
      `insert into tenants (id, name, slug, created_at) values ('a', 'A', 'a', now()), ('b', 'B', 'b', now());
       insert into users (id, name, email, email_verified, created_at, updated_at)
         values ('usr', 'U', 'u@example.com', true, now(), now());
       insert into members (id, tenant_id, user_id, role, created_at)
         values ('mem_a', 'a', 'usr', 'owner', now()), ('mem_b', 'b', 'usr', 'owner', now())`,
    );
    return { url, knex };
  };

  it('puts names in one form, and keeps apart those that it would make one', async () => {
    const { url, knex } = await before();
    const agents: [tenant: string, id: string, name: string, status: string][] = [
      ['a', 'agt_1', 'caf\u00e9', 'active'],
      ['a', 'agt_2', 'cafe\u0301', 'suspended'],
      ['a', 'agt_3', 'cafe\u0301', 'decommissioned'],
      ['a', 'agt_4', 'a\u0307\u0323', 'active'],
      ['a', 'agt_5', '\u1e05\u0307', 'active'],
      ['a', 'agt_6', 'b\u0307\u0323', 'active'],
      ['a', 'agt_7', `e\u0301${'x'.repeat(126)}`, 'active'],
      ['a', 'agt_8', 'plain', 'active'],
      ['b', 'agt_9', 'cafe\u0301', 'active'],
    ];
    for (const agent of agents) {
      await query(
        url,
        `insert into agents (tenant_id, id, name, status, scopes, owner, created_at, updated_at)
         values ($1, $2, $3, $4, '{}', 'usr', now(), now())`,
        agent,
      );
    }
    await knex.migrate.up();
    const { rows } = await query(url, 'select id, name from agents order by id');
    expect(
      Object.fromEntries((rows as { id: string; name: string }[]).map(({ id, name }) => [id, name])),
    ).toEqual({
      agt_1: 'caf\u00e9',
      agt_2: 'caf\u00e9 (agt_2)',
      agt_3: 'caf\u00e9',
      agt_4: '\u1ea1\u0307',
      agt_5: '\u1e05\u0307',
      agt_6: '\u1e05\u0307 (agt_6)',
      agt_7: `\u00e9${'x'.repeat(126)}`,
      agt_8: 'plain',
      agt_9: 'caf\u00e9',
    });
  });

  it('finds the one text of each resource, and keeps identifiers as they are', async () => {
    const { url, knex } = await before();
    const identifiers: [tenant: string, id: string, identifier: string, canonical: string][] = [
      ['a', 'res_1', 'HTTPS://One.Example:443/', 'https://one.example'],
      ['a', 'res_2', 'https://two.example/', 'https://two.example/'],
      ['a', 'res_3', 'https://two.example', 'https://two.example'],
      ['a', 'res_4', 'https://Three.example/', 'https://three.example'],
      ['a', 'res_5', 'https://three.example/', 'https://three.example/'],
      ['a', 'res_6', 'https://four.example/API/?q', 'https://four.example/API/?q'],
      ['a', 'res_7', 'URN:Example:Search', 'URN:Example:Search'],
      ['b', 'res_8', 'https://two.example/', 'https://two.example'],
    ];
    for (const [tenant, id, identifier] of identifiers) {
      await query(
        url,
        `insert into resources (tenant_id, id, identifier, scopes, token_ttl_seconds, created_at)
         values ($1, $2, $3, '{a}', 60, now())`,
        [tenant, id, identifier],
      );
    }
    await knex.migrate.up();
    const { rows } = await query(
      url,
      'select tenant_id, id, identifier, canonical from resources order by id',
    );
    expect((rows as Record<string, string>[]).map((row) => Object.values(row))).toEqual(identifiers);
  });
});

describe('uses of assertions that are named by their client', () => {
  it('are kept through the upgrade and back, one for each client and jti', async () => {
    const database = await emptyDatabase();
    const knex = knexOf(await plainOwner(database));
    const sql = async (text: string) => (await query(adminUrl(database), text)).rows as unknown[];
    const before = versions.indexOf('0024_assertion_clients.ts');
    for (let i = 0; i < before; i++) await knex.migrate.up();
    await sql(`insert into users (id, name, email, email_verified, updated_at) values ('usr', 'A', 'a@b.c', true, now());
      insert into tenants (id, name, slug, created_at) values ('ten', 'T', 't', now());
      insert into members (id, tenant_id, user_id, role, created_at) values ('mem', 'ten', 'usr', 'owner', now());
      insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
        select 'ten', 'agt_' || n, n::text, '{}', 'usr', now(), now() from generate_series(1, 2) n;
      insert into credentials (tenant_id, id, agent_id, secret_hash, pepper_id, created_at)
        select 'ten', 'crd_' || n, 'agt_' || (n + 1) / 2, '\\x00', 'p', now() from generate_series(1, 3) n;
      insert into assertion_uses select 'ten', 'crd_' || n, 'one', 'evt_' || n, now() + n * interval '1 minute'
        from generate_series(1, 3) n`);
    const uses = () =>
      sql('select credential_id as credential, used_by as by from assertion_uses order by 1');
    const left = [
      { credential: 'crd_2', by: 'evt_2' },
      { credential: 'crd_3', by: 'evt_3' },
    ];
    await knex.migrate.up();
    expect(await uses()).toEqual(left);
    expect(await sql('select distinct agent_id as agent from assertion_uses order by 1')).toEqual([
      { agent: 'agt_1' },
      { agent: 'agt_2' },
    ]);
    const [again] = await sql(`select count(use_assertions)::int from use_assertions(
      '[{"tenant_id": "ten", "credential_id": "crd_1", "jti": "one", "used_by": "evt_4", "expires_at": "2100-01-01"},
        {"tenant_id": "ten", "credential_id": "crd_1", "jti": "two", "used_by": "evt_5", "expires_at": "2100-01-01"},
        {"tenant_id": "ten", "credential_id": "crd_2", "jti": "two", "used_by": "evt_6", "expires_at": "2100-01-01"}]')`);
    expect(again).toEqual({ count: 1 });
    await sql(`delete from assertion_uses where jti = 'two'`);
    await knex.migrate.down();
    expect(await uses()).toEqual(left);
  });
});

describe('a credential that was to expire beyond the years of an answer', () => {
  it('expires at the last time that an answer holds', async () => {
    const database = await emptyDatabase();
    const databaseUrl = await plainOwner(database);
    const knex = knexOf(databaseUrl);
    const before = versions.indexOf('0018_daily_limits.ts');
    for (let i = 0; i < before; i++) await knex.migrate.up();
    const sql = async (text: string) => (await query(adminUrl(database), text)).rows as unknown[];
    await sql(`insert into users (id, name, email, email_verified, updated_at) values ('usr', 'A', 'a@b.c', true, now());
      insert into tenants (id, name, slug, created_at) values ('ten', 'T', 't', now());
      insert into members (id, tenant_id, user_id, role, created_at) values ('mem', 'ten', 'usr', 'owner', now());
      insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
        values ('ten', 'agt', 'a', '{}', 'usr', now(), now());
      insert into credentials (tenant_id, id, agent_id, secret_hash, pepper_id, created_at, expires_at)
        select 'ten', 'crd_' || at, 'agt', '\\x00', 'p', now(), at::timestamptz
        from unnest('{10000-01-01 23:58:59Z,infinity,2027-01-01 00:00Z}'::text[]) at`);
    await migrateUp({ databaseUrl });
    const rows = await sql(
      `select (expires_at at time zone 'UTC')::text as at from credentials order by 1 desc`,
    );
    const last = { at: '9999-12-31 23:59:59.999' };
    expect(rows).toEqual([last, last, { at: '2027-01-01 00:00:00' }]);
  });
});

describe('the login that the processes use', () => {
  const attributes = async (role: string): Promise<unknown> => {
    const { rows } = await query(
      adminUrl(),
      `select rolcanlogin, rolinherit, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication,
         array(select roleid::regrole::text from pg_auth_members where member = r.oid order by 1) as roles
       from pg_roles r where rolname = $1`,
      [role],
    );
    return rows[0];
  };
  const promised = {
    rolcanlogin: true,
    rolinherit: false,
    rolsuper: false,
    rolcreatedb: false,
    rolcreaterole: false,
    rolbypassrls: false,
    rolreplication: false,
    roles: ['sentryagent_app', 'sentryagent_auth'],
  };
  /** The database of this cluster that has the roles, and a way to it. */
  const migrated = async (): Promise<{ database: string; knex: Knex }> => {
    const database = await createTestDatabase();
    undo.push(() => dropTestDatabase(database));
    return { database, knex: knexOf(adminUrl(database)) };
  };

  it('may log in and take its two roles, and nothing else', async () => {
    const { database, knex } = await migrated();
    const { role, url } = ownRole(database);
    await ensureAppRole(knex, url);
    expect(await attributes(role)).toEqual(promised);
    const { rows } = await query(url, 'select session_user::text as name');
    expect(rows).toEqual([{ name: role }]);
    await expect(query(url, 'select from public.agents')).rejects.toThrow(/permission denied/);
  });

  it('loses what somebody gave it besides', async () => {
    const { database, knex } = await migrated();
    const { role, url } = ownRole(database);
    await knex.raw(`create role ${role} superuser createdb createrole inherit bypassrls replication`);
    await ensureAppRole(knex, url);
    expect(await attributes(role)).toEqual(promised);
  });

  it('has the newest password of its URL, whatever characters are in it', async () => {
    const { database, knex } = await migrated();
    const { url: first } = ownRole(database);
    await ensureAppRole(knex, first);
    const second = new URL(first);
    second.password = encodeURIComponent(`?'"\\$1 %I:x`);
    await ensureAppRole(knex, second.toString());
    expect((await query(second.toString(), 'select 1 as one')).rows).toEqual([{ one: 1 }]);
    await expect(query(first, 'select 1')).rejects.toThrow(/password authentication failed/);
  });
});

describe('node migrations/src/main.ts', () => {
  it('says what it did', async () => {
    const env = { DATABASE_URL: adminUrl(await emptyDatabase()) };
    expect((await run([], env)).stdout).toBe(`Applied: ${versions.join(', ')}\n`);
    expect((await run(['down'], env)).stdout).toBe(`Reverted: ${versions.toReversed().join(', ')}\n`);
  });

  it('names a missing DATABASE_URL and a wrong APP_DATABASE_URL, prints no value and exits 78', async () => {
    const failed = await run([], { APP_DATABASE_URL: 'mysql://hidden' }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 78, stdout: '' });
    const { stderr } = failed as { stderr: string };
    expect(stderr).toBe(
      'The migrations cannot start:\n' +
        '  - DATABASE_URL is missing: set it to the URL of the Postgres user that owns the schema\n' +
        '  - APP_DATABASE_URL must be a postgres:// URL\n',
    );
  });
});
