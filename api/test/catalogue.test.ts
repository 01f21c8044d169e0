import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import knexFactory from 'knex';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureAppRole } from '../../migrations/src/app-role.ts';
import { parseConfig } from '../src/config.ts';
import { closeDeps, createDeps } from '../src/deps.ts';
import { testEnvironment } from './support/api.ts';
import {
  TEMPLATE,
  adminUrl,
  appUrl,
  createTestDatabase,
  dropTestDatabase,
  query,
} from './support/servers.ts';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';

/** Roles belong to the whole cluster: those that a test changes are its own. */
let login: string;
let other: string;
let database: string;

/** The other tests' login stays as it is; this one is made in the same way. */
const makeLogin = async (name: string): Promise<void> => {
  const url = new URL(appUrl(TEMPLATE));
  url.username = name;
  const knex = knexFactory({ client: 'pg', connection: adminUrl() });
  await ensureAppRole(knex, url.toString());
  await knex.destroy();
};

beforeEach(async () => {
  const id = randomBytes(6).toString('hex');
  [login, other] = [`test_login_${id}`, `test_role_${id}`];
  await makeLogin(login);
  await query(adminUrl(), `create role ${other} nologin noinherit`);
});

afterEach(async () => {
  await dropTestDatabase(database);
  await query(adminUrl(), `drop role ${login}, ${other}`);
});

const environment = (): Record<string, string> => {
  const url = new URL(appUrl(database));
  url.username = login;
  return { ...testEnvironment(database), APP_DATABASE_URL: url.toString() };
};

const start = async (): Promise<void> => {
  const deps = await createDeps(parseConfig(environment()), pino({ level: 'silent' }));
  await closeDeps(deps);
};

const definer = (owner: string, search = 'set search_path = pg_catalog, pg_temp'): string => `
  create function peek() returns bigint language sql security definer ${search} return 1;
  revoke all on function peek() from public;
  grant create on schema public to ${owner};
  alter function peek() owner to ${owner};
  revoke create on schema public from ${owner};`;

const TENANT = `tenant_id = current_setting('app.tenant_id', true)`;

/** What somebody does to the database, and what the API then says of it. */
const changes: [what: string, change: () => string, finding: () => string][] = [
  [
    'row-level security switched off',
    () => 'alter table agents disable row level security',
    () => 'table agents does not force row-level security',
  ],
  [
    'row-level security not forced',
    () => 'alter table agents no force row level security',
    () => 'table agents does not force row-level security',
  ],
  [
    'a table without its policies',
    () => 'drop policy people on accounts',
    () => 'table accounts has no policy',
  ],
  [
    'a new table that nobody secured',
    () => 'create table notes (tenant_id text)',
    () => 'table notes does not force row-level security',
  ],
  [
    'a new table that is secured and has no policy',
    () => `create table notes (tenant_id text);
      alter table notes enable row level security, force row level security`,
    () => 'table notes has no policy',
  ],
  [
    'a policy for everyone',
    () => `create policy open on agents using (${TENANT}) with check (${TENANT})`,
    () => 'policy open on agents applies to PUBLIC',
  ],
  [
    'a policy that names no tenant',
    () => 'create policy open on agents for select to sentryagent_app using (true)',
    () => 'policy open on agents does not name the tenant',
  ],
  [
    'a policy that names the tenant and lets others through',
    () => `create policy open on agents for select to sentryagent_app using (${TENANT} or name = 'shared')`,
    () => 'policy open on agents does not name the tenant',
  ],
  [
    'a policy that names no tenant, for the login itself',
    () => `create policy open on agents for select to ${login} using (true)`,
    () => 'policy open on agents does not name the tenant',
  ],
  [
    'a policy that checks no written row',
    () => `drop policy tenant on agents;
      create policy tenant on agents to sentryagent_app using (${TENANT})`,
    () => 'policy tenant on agents has no WITH CHECK',
  ],
  [
    'a policy that lets any row be inserted',
    () => 'create policy open on agents for insert to sentryagent_app with check (true)',
    () => 'policy open on agents does not name the tenant',
  ],
  [
    'a policy that lets a row be given to another tenant',
    () => `drop policy tenant on agents;
      create policy tenant on agents to sentryagent_app using (${TENANT}) with check (true)`,
    () => 'policy tenant on agents does not name the tenant',
  ],
  [
    'TRUNCATE, which asks no policy',
    () => 'grant truncate on agents to sentryagent_app',
    () => 'role sentryagent_app has TRUNCATE on agents',
  ],
  [
    'TRIGGER for everyone',
    () => 'grant trigger on agents to public',
    () => 'role sentryagent_auth has TRIGGER on agents',
  ],
  [
    'a login that owns a table',
    () => `alter table agents owner to ${login}`,
    () => `the login ${login} can use role ${login}, which owns agents`,
  ],
  [
    'a login that may act as the owner of a table',
    () => `alter table agents owner to ${other}; grant ${other} to ${login}`,
    () => `the login ${login} can use role ${other}, which owns agents`,
  ],
  [
    'a login that may act as a role that crosses tenants',
    () => `grant sentryagent_auditor to ${login}`,
    () => `the login ${login} can use role sentryagent_auditor, which owns function append_audit`,
  ],
  [
    'a login that bypasses row-level security',
    () => `alter role ${login} bypassrls`,
    () => `role ${login} is a superuser or bypasses row-level security`,
  ],
  [
    'a login that may act as a role that bypasses row-level security',
    () => `alter role ${other} bypassrls; grant ${other} to ${login}`,
    () => `role ${other} is a superuser or bypasses row-level security`,
  ],
  [
    'a login that is a superuser',
    () => `alter role ${login} superuser`,
    () => `role ${login} is a superuser or bypasses row-level security`,
  ],
  [
    'a login that may create roles',
    () => `alter role ${login} createrole`,
    () => `role ${login} can create roles or databases`,
  ],
  ['a login that inherits', () => `alter role ${login} inherit`, () => `role ${login} must be NOINHERIT`],
  [
    'a view with its owner’s rights',
    () => 'create view everyone as select * from agents',
    () => "view everyone runs with its owner's rights",
  ],
  [
    'a materialized view',
    () => 'create materialized view everyone as select * from agents',
    () => 'materialized view everyone has no row-level security',
  ],
  [
    'a function that runs as the owner of tables',
    () => definer('current_user'),
    () => `function peek runs as ${new URL(adminUrl()).username}, which owns tables`,
  ],
  [
    'a function that runs as a role past row-level security',
    () => `alter role ${other} bypassrls; ${definer(other)}`,
    () => `function peek runs as ${other}, which bypasses row-level security`,
  ],
  [
    'a function whose search path others decide',
    () => definer('sentryagent_auditor', ''),
    () => 'function peek has no fixed search path',
  ],
  [
    'a function that crosses tenants for everyone',
    () => 'grant execute on function append_audit(jsonb) to public',
    () => 'PUBLIC can execute function append_audit',
  ],
  [
    'a schema in which everyone may create',
    () => 'grant create on schema public to public',
    () => 'PUBLIC can create objects in schema public',
  ],
];

describe('a start over a database that would not keep tenants apart', () => {
  it.each(changes)('is refused: %s', async (_what, change, finding) => {
    database = await createTestDatabase();
    await query(adminUrl(database), change());
    const error = await start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const [heading, ...findings] = (error as Error).message.split('\n');
    expect(heading).toBe('This database does not separate tenants. Fix these problems:');
    expect(findings).toContain(`  - ${finding()}`);
  });

  it('is refused: an empty database, with what to do', async () => {
    database = await createTestDatabase('template0');
    await expect(start()).rejects.toThrow('  - the database has no tables: run npm run migrate');
  });

  it('An unsafe role stops the API', async () => {
    database = await createTestDatabase();
    await query(adminUrl(database), `alter role ${login} bypassrls`);
    const main = new URL('../src/main.ts', import.meta.url).pathname;
    const env = { ...environment(), ...bareEnvironment, API_PORT: '0', DB_POOL_MIN: '2' };
    const failed = await promisify(execFile)(process.execPath, [main], { env }).catch(
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({ code: 1 });
    const { stdout } = failed as { stdout: string };
    expect(stdout).toContain(`role ${login} is a superuser or bypasses row-level security`);
    expect(stdout).not.toContain('listening');
  });
});

describe('a start over the migrated database', () => {
  it('is accepted as it is', async () => {
    database = await createTestDatabase();
    await expect(start()).resolves.toBeUndefined();
  });

  it('is accepted with more policies that name the tenant, and a view with its reader’s rights', async () => {
    database = await createTestDatabase();
    await query(
      adminUrl(database),
      `create policy more on agents for insert to sentryagent_app with check (${TENANT});
       create view own with (security_invoker = true) as select * from agents`,
    );
    await expect(start()).resolves.toBeUndefined();
  });
});

/** The functions that run with their owner's rights, each with who may call it. */
const DEFINERS = `
  select p.proname as name, pg_get_userbyid(p.proowner)::text as owner,
    coalesce(
      (select 'a trigger on ' || string_agg(quote_ident(t.tgrelid::regclass::text), ' ')
        from (select distinct tgrelid from pg_trigger where tgfoid = p.oid) t),
      '') as trigger,
    array(
      select case grantee when 0 then 'everyone' else pg_get_userbyid(grantee)::text end
      from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
      where privilege_type = 'EXECUTE' and grantee <> p.proowner
      order by 1) as callers
  from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef
  order by 1, 2`;

interface Definer {
  name: string;
  owner: string;
  trigger: string;
  callers: string[];
}

const documented = (): { row: string; why: string }[] => {
  const text = readFileSync(new URL('../../docs/database.md', import.meta.url), 'utf8');
  const table = text.slice(text.indexOf('## Functions that cross tenants'));
  return [...table.matchAll(/^\| `(.+?)` +\| (.+?) +\| `(.+?)` +\| (.*?) +\|$/gm)].map(
    ([, name, caller = '', owner, why = '']) => ({
      row: `${name} of ${owner}, for ${caller.replaceAll('`', '')}`,
      why,
    }),
  );
};

it('Each function that crosses tenants is listed with its caller and its reason', async () => {
  database = await createTestDatabase();
  const { rows } = await query(adminUrl(database), DEFINERS);
  const found = (rows as Definer[]).map(
    ({ name, owner, trigger, callers }) =>
      `${name} of ${owner}, for ${[trigger, ...callers].filter(Boolean).join(', ')}`,
  );
  const listed = documented();
  expect(listed.map(({ row }) => row)).toEqual(found);
  for (const { row, why } of listed) expect(why.split(' ').length, row).toBeGreaterThan(3);
});
