import { hashPassword } from 'better-auth/crypto';
import type { Pool } from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { newId } from '../../platform/ids.ts';
import { Problem } from '../../platform/problem.ts';
import { checkPassword } from './check-password.ts';
import { identifierOf } from './links.ts';

/** A link works only for the address that it was sent to, even if the user has another one now. */
const PERSON_OF_LINK = `
  select users.id, users.email from verifications v
  join users on users.id = split_part(v.value, ' ', 1) and users.email = split_part(v.value, ' ', 2)
  where v.identifier = $1 and v.expires_at > $2`;

/**
 * Locks the user first, like every change of a password, so that two changes never wait for each other. The database
 * ends the sessions and the other links (trigger `end_sessions_of_old_password`).
 */
const USE = `
  with person as (
    ${PERSON_OF_LINK} for update of users
  ), link as (
    delete from verifications using person where identifier = $1 returning person.id, person.email
  ), account as (
    update accounts set password = $3, updated_at = now() from link
    where accounts.user_id = link.id and accounts.account_id = link.id and accounts.provider_id = 'credential'
  ), mail as (
    insert into mails (id, kind, key, recipient, data) select $4, 'password_changed', $4, email, '{}' from link
  )
  update users set email_verified = true, updated_at = now() from link where users.id = link.id
  returning users.email`;

const invalidLink = (): Problem =>
  new Problem(
    'invalid_link',
    'This link no longer works. A link works once and expires after 1 hour. Request a new link.',
  );

interface Deps {
  peoplePool: Pool;
  clock: Clock;
}

/** Problem: `invalid_link`, the same for a wrong, used or expired link. */
const findEmail = async ({ peoplePool, clock }: Deps, token: string): Promise<string> => {
  const { rows } = await peoplePool.query<{ email: string }>(PERSON_OF_LINK, [
    identifierOf('password-reset', token),
    clock(),
  ]);
  if (!rows[0]) throw invalidLink();
  return rows[0].email;
};

/**
 * Sets a new password with the link of a mail, and ends all sessions of the user. Returns the address. The mail has
 * proved the address, so this confirms it too. Starts no session: the user signs in with the new password, and with the
 * second factor if there is one. `inTurn`: limits how many passwords are hashed at once; only a valid link gets that
 * far. Problems: `invalid_link`, `weak_password`.
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
  if (!rows[0]) throw invalidLink();
  return rows[0].email;
};
