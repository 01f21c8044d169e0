/** Roles belong to the whole cluster, so another database may already have created them. */
export const createRole = (role: string): string => `
  do $$ begin
    create role ${role} nologin noinherit;
  exception when duplicate_object or unique_violation then null;
  end $$;
  grant ${role} to current_user;`;

/** The inverse of createRole. Keeps a role that another database still uses. */
export const dropRole = (role: string): string => `
  do $$ begin
    drop role ${role};
  exception when dependent_objects_still_exist then null;
  end $$;`;

/** Enables row-level security, for the owner of the table too. Without a policy, nothing is allowed. */
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
 * Inserts a row for each existing tenant, into a table without row-level security. The schema owner is subject to
 * row-level security of `tenants` and would read no rows, so it is not forced for this statement.
 */
export const addTenants = (table: string): string => `
  alter table tenants no force row level security;
  insert into ${table} (tenant_id) select id from tenants;
  alter table tenants force row level security;`;

/**
 * Changes existing rows as the schema owner. Row-level security would hide them from the owner, so it is not forced for
 * this statement.
 */
export const asOwner = (table: string, statement: string): string => `
  alter table ${table} no force row level security;
  ${statement};
  alter table ${table} force row level security;`;

/** Allows one command on one table to the role that owns a cross-tenant function. */
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

/** A function that crosses tenants runs as a role with its own policies. Only the application can call it. */
export const ownFunction = (signature: string, role: string): string => `
  grant usage, create on schema public to ${role};
  alter function ${signature} owner to ${role};
  revoke create on schema public from ${role};
  revoke all on function ${signature} from public;
  grant execute on function ${signature} to sentryagent_app;`;
