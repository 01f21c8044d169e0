import { DAY_MS } from '@sentryagent/workflows/rules/durations';
import { newId } from '../../platform/ids.ts';
import { Problem } from '../../platform/problem.ts';
import { identifierOf, invalidLink, newLink, type LinkDeps } from './links.ts';

/** The text of the mail names it too. */
const LIFETIME_MS = DAY_MS;

/**
 * One statement: takes the first free key of the day, queues the mail to the new address and the notice to the old one,
 * and replaces the previous link. Whether the new address has an account plays no part in it.
 */
const QUEUE = `
  with person as (
    select id, email, email_verified from users where id = $7
  ), free as (
    select keys.key from unnest($1::text[]) with ordinality as keys (key, number)
    where not exists (
      select from mails where tenant_id is null and kind = 'email_change' and mails.key = keys.key
    )
    order by number limit 1
  ), mail as (
    insert into mails (id, kind, key, recipient, data)
    select $2, 'email_change', key, $8, $3 from free
    on conflict do nothing returning id
  ), notice as (
    insert into mails (id, kind, key, recipient, data)
    select $9, 'email_change_notice', mail.id, person.email, '{}' from mail, person where person.email_verified
  ), link as (
    insert into verifications (id, identifier, value, expires_at)
    select $4, $5, person.id || ' ' || $8, $6 from mail, person
    on conflict (split_part(value, ' ', 1)) where identifier like 'email-change:%'
    do update set id = excluded.id, identifier = excluded.identifier, value = excluded.value,
      expires_at = excluded.expires_at, updated_at = now()
  )
  select exists (select from free) as "isFree"`;

/**
 * Queues a mail to the new address with a link that makes it the user's, and a notice to the old address if that is
 * confirmed. An earlier link becomes invalid. Returns `false` if the limit of the day is reached.
 */
export const requestEmailChange = async (deps: LinkDeps, user: string, email: string): Promise<boolean> => {
  const link = newLink(deps, { kind: 'email-change', user, lifetimeMs: LIFETIME_MS });
  const { rows } = await deps.peoplePool.query<{ isFree: boolean }>(QUEUE, [
    ...link,
    user,
    email,
    newId('mai'),
  ]);
  return rows[0]!.isFree;
};

/** Locks the user first, like every change of a password, which ends this link. */
const USE = `
  with person as (
    select users.id, split_part(v.value, ' ', 2) as email from verifications v
    join users on users.id = split_part(v.value, ' ', 1)
    where v.identifier = $1 and v.expires_at > $2 for update of users
  ), link as (
    delete from verifications using person where identifier = $1 returning person.id, person.email
  )
  update users set email = link.email, email_verified = true, updated_at = now() from link
  where users.id = link.id
  returning users.email`;

const isTaken = (error: unknown): boolean =>
  (error as { constraint?: string }).constraint === 'users_email_key';

/**
 * Makes the address of the link the user's address, confirmed. Returns it. Problems: `invalid_link`, the same for a
 * wrong, used or expired link; `email_taken`, if another account has the address by now.
 */
export const confirmEmailChange = async (
  { peoplePool, clock }: Pick<LinkDeps, 'peoplePool' | 'clock'>,
  token: string,
): Promise<string> => {
  const used = peoplePool.query<{ email: string }>(USE, [identifierOf('email-change', token), clock()]);
  const { rows } = await used.catch((error: unknown) => {
    if (!isTaken(error)) throw error;
    throw new Problem(
      'email_taken',
      'Another account has this email address, so yours was not changed. Sign in to that account, or change to another address.',
    );
  });
  if (rows[0]) return rows[0].email;
  throw invalidLink(
    '24 hours. If you already used it, your address is changed. Otherwise sign in and request a new link in the settings.',
  );
};
