import { DAY_MS } from '@sentryagent/workflows/rules/durations';
import type { Pool } from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { newId } from '../../platform/ids.ts';
import type { Keyring } from '../../platform/keyring.ts';
import { sealData } from '../mail/sealed-data.ts';
import { identifierOf, mailKeys, newToken } from './links.ts';

/** The text of the mail names it too. */
const LIFETIME_MS = DAY_MS;

export interface VerificationDeps {
  peoplePool: Pool;
  clock: Clock;
  config: { KEY_ENCRYPTION_KEYS: Keyring };
}

/**
 * One statement: takes the first free key of the day, queues the mail and replaces the previous link. If two requests
 * take the same key, only one queues a mail.
 */
const QUEUE = `
  with free as (
    select keys.key from unnest($1::text[]) with ordinality as keys (key, number)
    where not exists (
      select from mails
      where tenant_id is null and kind = 'email_verification' and mails.key = keys.key and recipient = $2
    )
    order by number limit 1
  ), mail as (
    insert into mails (id, kind, key, recipient, data)
    select $3, 'email_verification', key, $2, $4 from free
    on conflict do nothing returning id
  ), link as (
    insert into verifications (id, identifier, value, expires_at) select $5, $6, $7, $8 from mail
    on conflict (value) where identifier like 'email-verification:%'
    do update set id = excluded.id, identifier = excluded.identifier, expires_at = excluded.expires_at, updated_at = now()
  )
  select exists (select from free) as "isFree"`;

/**
 * Queues a mail with a link that confirms the address. An earlier link becomes invalid. `asked`: the user requested it
 * after signing up. Returns `false` if the limit of the day is reached.
 */
export const requestVerification = async (
  { peoplePool, clock, config }: VerificationDeps,
  { id: userId, email }: { id: string; email: string },
  { asked = false }: { asked?: boolean } = {},
): Promise<boolean> => {
  const now = clock();
  const token = newToken();
  const mailId = newId('mai');
  const { rows } = await peoplePool.query<{ isFree: boolean }>(QUEUE, [
    mailKeys(userId, now),
    email,
    mailId,
    sealData(config.KEY_ENCRYPTION_KEYS, mailId, { token, asked }),
    newId('ver'),
    identifierOf('email-verification', token),
    `${userId} ${email}`,
    new Date(now.getTime() + LIFETIME_MS),
  ]);
  return rows[0]!.isFree;
};
