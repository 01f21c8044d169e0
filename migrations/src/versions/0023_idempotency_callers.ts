import type { Knex } from 'knex';

/** By which token an answer was asked for, and what that held. Of answers from before nobody knows: who holds everything gets them. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table idempotency_keys
      add column token_id text,
      add column scopes text[] not null default
        '{agents:read,agents:write,tokens:read,audit:read,billing:read,billing:write,trust:write}';
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw('alter table idempotency_keys drop column scopes, drop column token_id');
};
