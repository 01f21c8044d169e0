import { Problem } from '../../platform/problem.ts';
import { identifierOf } from './links.ts';
import type { VerificationDeps } from './request-verification.ts';

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
  { peoplePool, clock }: Pick<VerificationDeps, 'peoplePool' | 'clock'>,
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
  throw new Problem(
    'invalid_link',
    'This link no longer works. A link works once and expires after 24 hours. If you already used it, your address is changed. Otherwise sign in and request a new link in the settings.',
  );
};
