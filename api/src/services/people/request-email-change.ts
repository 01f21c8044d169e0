import { DAY_MS } from '@sentryagent/workflows/rules/durations';
import { newId } from '../../platform/ids.ts';
import { sealData } from '../mail/sealed-data.ts';
import { identifierOf, mailKeys, newToken } from './links.ts';
import type { VerificationDeps } from './request-verification.ts';

/** The text of the mail names it too. */
const LIFETIME_MS = DAY_MS;

/**
 * One statement: takes the first free key of the day, queues the mail to the new address and the notice to the old one,
 * and replaces the previous link. Whether the new address has an account plays no part in it.
 */
const QUEUE = `
  with person as (
    select id, email, email_verified from users where id = $2
  ), free as (
    select keys.key from unnest($1::text[]) with ordinality as keys (key, number)
    where not exists (
      select from mails where tenant_id is null and kind = 'email_change' and mails.key = keys.key
    )
    order by number limit 1
  ), mail as (
    insert into mails (id, kind, key, recipient, data)
    select $4, 'email_change', key, $3, $5 from free
    on conflict do nothing returning id
  ), notice as (
    insert into mails (id, kind, key, recipient, data)
    select $6, 'email_change_notice', mail.id, person.email, '{}' from mail, person where person.email_verified
  ), link as (
    insert into verifications (id, identifier, value, expires_at)
    select $7, $8, person.id || ' ' || $3, $9 from mail, person
    on conflict (split_part(value, ' ', 1)) where identifier like 'email-change:%'
    do update set id = excluded.id, identifier = excluded.identifier, value = excluded.value,
      expires_at = excluded.expires_at, updated_at = now()
  )
  select exists (select from free) as "isFree"`;

/**
 * Queues a mail to the new address with a link that makes it the user's, and a notice to the old address if that is
 * confirmed. An earlier link becomes invalid. Returns `false` if the limit of the day is reached.
 */
export const requestEmailChange = async (
  { peoplePool, clock, config }: VerificationDeps,
  userId: string,
  email: string,
): Promise<boolean> => {
  const now = clock();
  const token = newToken();
  const mailId = newId('mai');
  const { rows } = await peoplePool.query<{ isFree: boolean }>(QUEUE, [
    mailKeys(userId, now),
    userId,
    email,
    mailId,
    sealData(config.KEY_ENCRYPTION_KEYS, mailId, { token }),
    newId('mai'),
    newId('ver'),
    identifierOf('email-change', token),
    new Date(now.getTime() + LIFETIME_MS),
  ]);
  return rows[0]!.isFree;
};
