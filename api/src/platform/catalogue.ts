import type { Transaction } from './database.ts';

/** Each row is a reason why the database does not separate tenants. */
const PROBLEMS = `
  with
    ours as (
      select c.oid, c.relname as name, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.reloptions
      from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
        and c.relname not like 'knex\\_migrations%'
    ),
    workers as (
      select r.* from pg_roles r
      where pg_has_role(session_user, r.oid, 'MEMBER') or r.rolname like 'sentryagent\\_%' and not r.rolcanlogin
    ),
    crossers as (
      select p.oid, p.proname as name, p.proowner, p.proconfig, p.prosecdef
      from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef
    )
  select format('role %s is a superuser or bypasses row-level security', rolname) as problem
    from workers where rolsuper or rolbypassrls
  union all
  select format('role %s can create roles or databases', rolname) from workers where rolcreaterole or rolcreatedb
  union all
  select format('role %s must be NOINHERIT', rolname)
    from workers where rolname = session_user and rolinherit
  union all
  select format('the login %s can use role %s, which owns %s', session_user, pg_get_userbyid(relowner), name)
    from ours where pg_has_role(session_user, relowner, 'MEMBER')
  union all
  select format('the login %s can use role %s, which owns function %s', session_user, pg_get_userbyid(proowner), name)
    from crossers where pg_has_role(session_user, proowner, 'MEMBER')
  union all
  select format('table %s does not force row-level security', name)
    from ours where relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)
  union all
  select format('table %s has no policy', name)
    from ours where relkind in ('r', 'p') and not exists (select from pg_policy p where p.polrelid = ours.oid)
  union all
  select format('policy %s on %s has no WITH CHECK', p.polname, o.name)
    from pg_policy p join ours o on o.oid = p.polrelid where p.polcmd in ('*', 'a', 'w') and p.polwithcheck is null
  union all
  select format('policy %s on %s applies to PUBLIC', p.polname, o.name)
    from pg_policy p join ours o on o.oid = p.polrelid where 0::oid = any (p.polroles)
  union all
  select distinct format('policy %s on %s does not name the tenant', p.polname, o.name)
    from pg_policy p join ours o on o.oid = p.polrelid, unnest(p.polroles) as role,
      unnest(array[pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)]) as rule
    where role <> 0 and pg_has_role(session_user, role, 'MEMBER') and role <> 'sentryagent_auth'::regrole
      and rule <> '(tenant_id = current_setting(''app.tenant_id''::text, true))'
  union all
  select format('role %s has %s on %s', w.rolname, privilege, o.name)
    from ours o, workers w, unnest(array['TRUNCATE', 'REFERENCES', 'TRIGGER']) as privilege
    where o.relkind in ('r', 'p') and o.relowner <> w.oid and not w.rolsuper
      and has_table_privilege(w.oid, o.oid, privilege)
  union all
  select format('view %s runs with its owner''s rights', name)
    from ours where relkind = 'v' and not coalesce(reloptions @> array['security_invoker=true'], false)
  union all
  select format('materialized view %s has no row-level security', name) from ours where relkind = 'm'
  union all
  select format('function %s runs as %s, which owns tables', name, pg_get_userbyid(proowner))
    from crossers where exists (select from ours where ours.relowner = crossers.proowner)
  union all
  select format('function %s runs as %s, which bypasses row-level security', name, r.rolname)
    from crossers join pg_roles r on r.oid = proowner where r.rolsuper or r.rolbypassrls
  union all
  select format('function %s has no fixed search path', name)
    from crossers where not coalesce(proconfig::text like '%search_path=%', false)
  union all
  select format('PUBLIC can execute function %s', name) from crossers where has_function_privilege('public', oid, 'EXECUTE')
  union all
  select 'PUBLIC can create objects in schema public' where has_schema_privilege('public', 'public', 'CREATE')
  union all
  select 'the database has no tables: run npm run migrate' where not exists (select from ours)
`;

/** Throws an error with all findings if the database does not separate tenants. */
export const assertSafeCatalogue = async (trx: Transaction): Promise<void> => {
  const { rows } = await trx.raw<{ rows: { problem: string }[] }>(PROBLEMS.replaceAll('?', '\\?'));
  if (rows.length === 0) return;
  const list = rows.map(({ problem }) => `  - ${problem}`).join('\n');
  throw new Error(`This database does not separate tenants. Fix these problems:\n${list}`);
};
