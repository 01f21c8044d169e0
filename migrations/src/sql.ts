/** Roles belong to the whole cluster, so another database of ours may have made them already. */
export const createRole = (role: string): string => `
  do $$ begin
    create role ${role} nologin noinherit;
  exception when duplicate_object or unique_violation then null;
  end $$;
  grant ${role} to current_user;`;

/** The inverse of createRole; a role that another database still needs stays. */
export const dropRole = (role: string): string => `
  do $$ begin
    drop role ${role};
  exception when dependent_objects_still_exist then null;
  end $$;`;

/** Row-level security that holds for the table's owner too; what no policy allows is refused. */
export const secure = (table: string): string => `
  alter table ${table} enable row level security;
  alter table ${table} force row level security;`;

/** The application sees and writes only rows of the tenant that its transaction has set. */
export const isolate = (table: string): string => `
  ${secure(table)}
  create policy tenant on ${table} to sentryagent_app
    using (tenant_id = current_setting('app.tenant_id', true))
    with check (tenant_id = current_setting('app.tenant_id', true));`;

/**
 * A row for each tenant that is there already, in a table that is not secured yet. The schema's owner stands under
 * row-level security too and would read no tenant, so it steps out of it for the one statement.
 */
export const addTenants = (table: string): string => `
  alter table tenants no force row level security;
  insert into ${table} (tenant_id) select id from tenants;
  alter table tenants force row level security;`;

/**
 * Rows that are there already are changed by the schema's owner, which stands under row-level security too and would see
 * none: it steps out of it for the statement.
 */
export const asOwner = (table: string, statement: string): string => `
  alter table ${table} no force row level security;
  ${statement};
  alter table ${table} force row level security;`;

/** Lets the role that owns a cross-tenant function do one thing to one table. */
export const allow = (
  role: string,
  command: 'select' | 'insert' | 'update' | 'delete',
  table: string,
): string => {
  const check = {
    select: 'using (true)',
    delete: 'using (true)',
    insert: 'with check (true)',
    update: 'using (true) with check (true)',
  };
  return `
  grant ${command} on ${table} to ${role};
  create policy ${role}_${command} on ${table} for ${command} to ${role} ${check[command]};`;
};

/** A function that crosses tenants: it runs as a role with policies of its own, and only the application calls it. */
export const ownFunction = (signature: string, role: string): string => `
  grant usage, create on schema public to ${role};
  alter function ${signature} owner to ${role};
  revoke create on schema public from ${role};
  revoke all on function ${signature} from public;
  grant execute on function ${signature} to sentryagent_app;`;
