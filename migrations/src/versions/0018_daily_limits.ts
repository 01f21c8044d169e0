import type { Knex } from 'knex';
import { asOwner, isolate } from '../sql.ts';

/** How often a tenant did on a day what leaves rows behind: one row a counter, which each new day begins anew. */
const counts = `
  create table daily_counts (
    tenant_id text not null references tenants (id),
    counter text not null,
    day date not null,
    count integer not null check (count > 0),
    primary key (tenant_id, counter)
  );
  ${isolate('daily_counts')}
  grant select, insert, update on daily_counts to sentryagent_app;`;

/**
 * An answer has four digits for a year. An offset led beyond them, and what was stored then could be answered no more;
 * the last time that can is as far away.
 */
const expiries = `
  ${asOwner(
    'credentials',
    `update credentials set expires_at = timestamptz '9999-12-31 23:59:59.999Z'
     where expires_at >= timestamptz '10000-01-01 00:00Z'`,
  )}
  alter table credentials add constraint credentials_expires_at_check check (
    expires_at >= timestamptz '1970-01-01 00:00Z' and expires_at < timestamptz '10000-01-01 00:00Z');`;

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`${counts} ${expiries}`);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table credentials drop constraint credentials_expires_at_check;
    drop table daily_counts;
  `);
};
