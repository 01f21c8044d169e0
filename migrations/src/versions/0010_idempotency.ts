import type { Knex } from 'knex';
import { isolate } from '../sql.ts';

/** Written in the transaction of what it answers, so a key without its act, or an act without its key, is never seen. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    create table idempotency_keys (
      tenant_id text not null references tenants (id),
      principal text not null,
      operation text not null,
      key text not null check (length(key) between 1 and 255),
      fingerprint bytea not null,
      answer text,
      answer_until timestamptz not null,
      expires_at timestamptz not null,
      primary key (tenant_id, principal, operation, key)
    );
    create index idempotency_keys_expires_at_idx on idempotency_keys (tenant_id, expires_at);
    ${isolate('idempotency_keys')}
    grant select, insert, update, delete on idempotency_keys to sentryagent_app;
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('drop table idempotency_keys');
};
