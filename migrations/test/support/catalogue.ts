import { query } from '../../../api/test/support/servers.ts';

/** Rows of access rights, so that neither their order nor a default that is written out makes a difference. */
const rights = (name: string, list: string, kind: string, owner: string): string => `
  select 'grant', format('%s: %s to %s%s', ${name}, privilege_type,
    case grantee when 0 then 'public' else pg_get_userbyid(grantee) end, case when is_grantable then ' with grant option' end)
  from aclexplode(coalesce(${list}, acldefault('${kind}', ${owner})))`;

/** One row per fact of schema public. Knex's own two tables, with all that is theirs, are left out. */
const FACTS = `
  with relations as (
    select c.* from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relname not like 'knex\\_migrations%'
  )
  select 'relation' as kind, format('%s kind=%s owner=%s rls=%s forced=%s options=%s', relname, relkind,
    pg_get_userbyid(relowner), relrowsecurity, relforcerowsecurity, reloptions) as fact from relations
  union all
  select 'column', format('%s.%s %s default=%s null=%s identity=%s generated=%s collation=%s', r.relname, a.attname,
    format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), not a.attnotnull, a.attidentity,
    a.attgenerated, a.attcollation)
  from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  union all
  select 'column grant', format('%s.%s %s', r.relname, a.attname, a.attacl)
  from relations r join pg_attribute a on a.attrelid = r.oid where a.attacl is not null
  union all
  select 'constraint', format('%s on %s: %s validated=%s', conname, r.relname, pg_get_constraintdef(k.oid), convalidated)
  from pg_constraint k join relations r on r.oid = k.conrelid
  union all
  select 'index', format('%s valid=%s', pg_get_indexdef(i.indexrelid), i.indisvalid)
  from pg_index i join relations r on r.oid = i.indrelid
  union all
  select 'policy', format('%s on %s: %s for %s to %s using %s check %s', policyname, tablename, permissive, cmd,
    (select array_agg(role order by role) from unnest(roles) as role), qual, with_check)
  from pg_policies where schemaname = 'public'
  union all
  select 'trigger', pg_get_triggerdef(t.oid) from pg_trigger t join relations r on r.oid = t.tgrelid
  where not t.tgisinternal
  union all
  select 'function', format('owner=%s %s', pg_get_userbyid(proowner), pg_get_functiondef(oid))
  from pg_proc where pronamespace = 'public'::regnamespace
  union all
  select 'view', format('%s: %s', relname, pg_get_viewdef(oid)) from relations where relkind in ('v', 'm')
  union all
  select 'type', format('%s %s', typname, typtype) from pg_type t
  where t.typnamespace = 'public'::regnamespace and t.typname !~ '^_?knex_migrations'
  union all
  select 'schema', format('%s owner=%s', nspname, pg_get_userbyid(nspowner)) from pg_namespace
  where nspname !~ '^pg_(toast|temp)'
  union all
  select 'extension', extname from pg_extension
  union all
  select 'default grant', format('%s for %s: %s', defaclobjtype, pg_get_userbyid(defaclrole), defaclacl) from pg_default_acl
  union all
  select g.* from pg_namespace n, lateral (${rights("'schema public'", 'n.nspacl', 'n', 'n.nspowner')}) g where n.nspname = 'public'
  union all
  select g.* from relations r, lateral (${rights('r.relname', 'r.relacl', 'r', 'r.relowner')}) g where r.relkind in ('r', 'p', 'v', 'm')
  union all
  select g.* from pg_proc p, lateral (${rights('p.oid::regprocedure', 'p.proacl', 'f', 'p.proowner')}) g
  where p.pronamespace = 'public'::regnamespace
  order by 1, 2`;

/** All that a migration may have changed in schema public, as sorted lines. */
export const readCatalogue = async (url: string): Promise<string[]> => {
  const { rows } = await query(url, FACTS);
  return (rows as { kind: string; fact: string }[]).map(({ kind, fact }) => `${kind} ${fact}`);
};
