import { HOUR_MS } from '@sentryagent/workflows/rules/durations';
import { hashPassword } from 'better-auth/crypto';
import { newId } from '../../platform/ids.ts';
import type { Problem } from '../../platform/problem.ts';
import { checkPassword } from './check-password.ts';
import { identifierOf, invalidLink, mailKeys, newLink, type LinkDeps } from './links.ts';

/** The text of the mail names it too. */
const LIFETIME_MS = HOUR_MS;

/**
 * One statement, which stores a link for an address without an account too. It commits a row in both cases, so the time
 * does not tell whether there is an account. Only the mail differs: one more row in the same commit.
 */
const QUEUE = `
  with person as (
    select id, email_verified from users where email = $7
  ), free as (
    select keys.key from person,
      unnest($1::text[] || case when person.email_verified then $9::text[] end) with ordinality as keys (key, number)
    where (person.email_verified or not $8) and not exists (
      select from mails
      where tenant_id is null and kind = 'password_reset' and mails.key = keys.key and recipient = $7
    )
    order by number limit 1
  ), mail as (
    insert into mails (id, kind, key, recipient, data)
    select $2, 'password_reset', key, $7, $3 from free
    on conflict do nothing returning id
  )
  insert into verifications (id, identifier, value, expires_at)
  select $4, $5, coalesce((select id from person), '-') || ' ' || $7, $6
  where exists (select from mail) or not exists (select from person)
  on conflict (value) where identifier like 'password-reset:%'
  do update set id = excluded.id, identifier = excluded.identifier, expires_at = excluded.expires_at, updated_at = now()`;

/**
 * Queues a mail with a link that sets a new password, if the address has an account. An earlier link becomes invalid.
 * Does the same work for every address, and tells nobody whether it queued a mail. `isCrowded`: other addresses of the
 * mailbox have had too many mails. Then an unconfirmed address gets none, because anyone can sign up with it.
 * `isKnown`: a browser that has signed in to the account asks. A confirmed address has mails of the day that only such a
 * browser can use up, because strangers can use up the others.
 */
export const requestPasswordReset = async (
  deps: LinkDeps,
  email: string,
  { isCrowded, isKnown }: { isCrowded: boolean; isKnown: boolean },
): Promise<void> => {
  const link = newLink(deps, { kind: 'password-reset', user: 'reset', lifetimeMs: LIFETIME_MS });
  const keysOfKnown = isKnown ? mailKeys('reset known', deps.clock()) : [];
  await deps.peoplePool.query(QUEUE, [...link, email, isCrowded, keysOfKnown]);
};

/** A link works only for the address that it was sent to, even if the user has another one now. */
const PERSON_OF_LINK = `
  select users.id, users.email, users.email_verified from verifications v
  join users on users.id = split_part(v.value, ' ', 1) and users.email = split_part(v.value, ' ', 2)
  where v.identifier = $1 and v.expires_at > $2`;

/**
 * Locks the user first, like every change of a password, so that two changes never wait for each other. The database
 * ends the sessions and the other links (trigger `end_sessions_of_old_password`). A second factor of an unconfirmed
 * address can be of somebody else: it is deleted.
 */
const USE = `
  with person as (
    ${PERSON_OF_LINK} for update of users
  ), link as (
    delete from verifications using person where identifier = $1 returning person.id, person.email, person.email_verified
  ), account as (
    update accounts set password = $3, updated_at = now() from link
    where accounts.user_id = link.id and accounts.account_id = link.id and accounts.provider_id = 'credential'
  ), factor as (
    delete from two_factors using link where user_id = link.id and not link.email_verified
  ), mail as (
    insert into mails (id, kind, key, recipient, data)
    select $4, 'password_changed', $4, email, jsonb_build_object('wasUnconfirmed', not email_verified) from link
  )
  update users set email_verified = true, updated_at = now() from link where users.id = link.id
  returning users.email`;

const unusable = (): Problem => invalidLink('1 hour. Request a new link.');

type Deps = Pick<LinkDeps, 'peoplePool' | 'clock'>;

/** Problem: `invalid_link`, the same for a wrong, used or expired link. */
const findEmail = async ({ peoplePool, clock }: Deps, token: string): Promise<string> => {
  const { rows } = await peoplePool.query<{ email: string }>(PERSON_OF_LINK, [
    identifierOf('password-reset', token),
    clock(),
  ]);
  if (!rows[0]) throw unusable();
  return rows[0].email;
};

/**
 * Sets a new password with the link of a mail, and ends all sessions of the user. Returns the address. The mail has
 * proved the address, so this confirms it too. Starts no session: the user signs in with the new password, and with the
 * second factor if a confirmed address had one. `inTurn`: limits how many passwords are hashed at once; only a valid
 * link gets that far. Problems: `invalid_link`, `weak_password`.
 */
export const resetPassword = async (
  deps: Deps,
  { token, password }: { token: string; password: string },
  inTurn: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<string> => {
  checkPassword(password, await findEmail(deps, token));
  const hash = await inTurn(() => hashPassword(password));
  const { rows } = await deps.peoplePool.query<{ email: string }>(USE, [
    identifierOf('password-reset', token),
    deps.clock(),
    hash,
    newId('mai'),
  ]);
  if (!rows[0]) throw unusable();
  return rows[0].email;
};
