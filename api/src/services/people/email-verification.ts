import { DAY_MS } from '@sentryagent/workflows/rules/durations';
import { identifierOf, invalidLink, newLink, type LinkDeps } from './links.ts';

/** The text of the mail names it too. */
const LIFETIME_MS = DAY_MS;

/**
 * One statement: takes the first free key of the day, queues the mail and replaces the previous link. If two requests
 * take the same key, only one queues a mail.
 */
const QUEUE = `
  with free as (
    select keys.key from unnest($1::text[]) with ordinality as keys (key, number)
    where not exists (
      select from mails
      where tenant_id is null and kind = 'email_verification' and mails.key = keys.key and recipient = $7
    )
    order by number limit 1
  ), mail as (
    insert into mails (id, kind, key, recipient, data)
    select $2, 'email_verification', key, $7, $3 from free
    on conflict do nothing returning id
  ), link as (
    insert into verifications (id, identifier, value, expires_at) select $4, $5, $8, $6 from mail
    on conflict (value) where identifier like 'email-verification:%'
    do update set id = excluded.id, identifier = excluded.identifier, expires_at = excluded.expires_at, updated_at = now()
  )
  select exists (select from free) as "isFree"`;

/**
 * Queues a mail with a link that confirms the address. An earlier link becomes invalid. `asked`: the user requested it
 * after signing up. Returns `false` if the limit of the day is reached.
 */
export const requestVerification = async (
  deps: LinkDeps,
  { id: user, email }: { id: string; email: string },
  { asked = false }: { asked?: boolean } = {},
): Promise<boolean> => {
  const link = newLink(deps, { kind: 'email-verification', user, lifetimeMs: LIFETIME_MS, data: { asked } });
  const { rows } = await deps.peoplePool.query<{ isFree: boolean }>(QUEUE, [
    ...link,
    email,
    `${user} ${email}`,
  ]);
  return rows[0]!.isFree;
};

/** A link confirms only the address that it was sent to, even if the user has another one now. */
const USE = `
  with link as (
    delete from verifications where identifier = $1 and expires_at > $2
    returning split_part(value, ' ', 1) as user_id, split_part(value, ' ', 2) as email
  )
  update users set email_verified = true, updated_at = now() from link
  where users.id = link.user_id and users.email = link.email
  returning users.email`;

/**
 * Uses the link of a mail. Returns the confirmed address. Problem: `invalid_link`, the same for a wrong, used or
 * expired link.
 */
export const confirmEmail = async (
  { peoplePool, clock }: Pick<LinkDeps, 'peoplePool' | 'clock'>,
  token: string,
): Promise<string> => {
  const { rows } = await peoplePool.query<{ email: string }>(USE, [
    identifierOf('email-verification', token),
    clock(),
  ]);
  if (rows[0]) return rows[0].email;
  throw invalidLink(
    '24 hours. If you already used it, your address is confirmed. Otherwise sign in and request a new link.',
  );
};
