import { HOUR_MS } from '@sentryagent/workflows/rules/durations';
import type { Pool } from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { newId } from '../../platform/ids.ts';
import type { Keyring } from '../../platform/keyring.ts';
import { sealData } from '../mail/sealed-data.ts';
import { identifierOf, mailKeys, newToken } from './links.ts';

/** The text of the mail names it too. */
const LIFETIME_MS = HOUR_MS;

export interface PasswordResetDeps {
  peoplePool: Pool;
  clock: Clock;
  config: { KEY_ENCRYPTION_KEYS: Keyring };
}

/**
 * One statement, which stores a link for an address without an account too. It commits a row in both cases, so the time
 * does not tell whether there is an account. Only the mail differs: one more row in the same commit.
 */
const QUEUE = `
  with person as (
    select id, email_verified from users where email = $2
  ), free as (
    select keys.key from person, unnest($1::text[]) with ordinality as keys (key, number)
    where (person.email_verified or not $8) and not exists (
      select from mails
      where tenant_id is null and kind = 'password_reset' and mails.key = keys.key and recipient = $2
    )
    order by number limit 1
  ), mail as (
    insert into mails (id, kind, key, recipient, data)
    select $3, 'password_reset', key, $2, $4 from free
    on conflict do nothing returning id
  )
  insert into verifications (id, identifier, value, expires_at)
  select $5, $6, coalesce((select id from person), '-') || ' ' || $2, $7
  where exists (select from mail) or not exists (select from person)
  on conflict (value) where identifier like 'password-reset:%'
  do update set id = excluded.id, identifier = excluded.identifier, expires_at = excluded.expires_at, updated_at = now()`;

/**
 * Queues a mail with a link that sets a new password, if the address has an account. An earlier link becomes invalid.
 * Does the same work for every address, and tells nobody whether it queued a mail. `isCrowded`: other addresses of the
 * mailbox have had too many mails. Then an unconfirmed address gets none, because anyone can sign up with it.
 */
export const requestPasswordReset = async (
  { peoplePool, clock, config }: PasswordResetDeps,
  email: string,
  { isCrowded }: { isCrowded: boolean },
): Promise<void> => {
  const now = clock();
  const token = newToken();
  const mailId = newId('mai');
  await peoplePool.query(QUEUE, [
    mailKeys('reset', now),
    email,
    mailId,
    sealData(config.KEY_ENCRYPTION_KEYS, mailId, { token }),
    newId('ver'),
    identifierOf('password-reset', token),
    new Date(now.getTime() + LIFETIME_MS),
    isCrowded,
  ]);
};
