import { Problem } from '../../platform/problem.ts';
import { identifierOf } from './links.ts';
import type { VerificationDeps } from './request-verification.ts';

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
  { peoplePool, clock }: Pick<VerificationDeps, 'peoplePool' | 'clock'>,
  token: string,
): Promise<string> => {
  const { rows } = await peoplePool.query<{ email: string }>(USE, [
    identifierOf('email-verification', token),
    clock(),
  ]);
  if (rows[0]) return rows[0].email;
  throw new Problem(
    'invalid_link',
    'This link no longer works. A link works once and expires after 24 hours. If you already used it, your address is confirmed. Otherwise sign in and request a new link.',
  );
};
