import { newId } from '../../platform/ids.ts';
import { Problem } from '../../platform/problem.ts';
import { withNotice } from './queue-notice.ts';
import { hashRecoveryCode, newRecoveryCodes } from './recovery-codes.ts';
import { openSecret, sealSecret } from './sealed-secret.ts';
import { newTotpSecret, stepOfCode, totpUri } from './totp.ts';
import { invalidCode, type TwoFactorDeps } from './two-factor-deps.ts';

interface User {
  id: string;
  email: string;
  emailVerified: boolean;
}

const alreadyOn = (): Problem =>
  new Problem('two_factor_on', 'Two-factor sign-in is already on. To use another app, turn it off first.');

/**
 * Anyone can sign up with an address. A second factor would lock its owner out, because a password reset does not end it.
 * A confirmed address stays confirmed.
 */
const requireConfirmed = ({ emailVerified }: User): void => {
  if (emailVerified) return;
  throw new Problem(
    'email_unverified',
    'Confirm your email address first. Open the link in our email, or request a new one.',
  );
};

/** A key that was never confirmed is replaced. */
const OFFER = `
  insert into two_factors (user_id, sealed_secret) values ($1, $2)
  on conflict (user_id) do update set sealed_secret = excluded.sealed_secret, created_at = now()
  where two_factors.confirmed_at is null
  returning user_id`;

/**
 * Makes the key for an authenticator app. It is not used before `confirmEnrolment` accepts a code of it. Problems:
 * `email_unverified`, `two_factor_on`.
 */
export const startEnrolment = async (
  { peoplePool, config }: Pick<TwoFactorDeps, 'peoplePool' | 'config'>,
  user: User,
): Promise<{ key: string; uri: string }> => {
  requireConfirmed(user);
  const key = newTotpSecret();
  const { rows } = await peoplePool.query(OFFER, [
    user.id,
    sealSecret(config.KEY_ENCRYPTION_KEYS, user.id, key),
  ]);
  if (rows.length === 0) throw alreadyOn();
  return { key, uri: totpUri(key, user.email) };
};

/**
 * One statement. It confirms only the key that the code was of, for a session that still lives, and ends the sessions
 * that needed no code, and what they may have begun. Queues a mail. Locks the user first, like every change of a
 * password, which ends the session.
 */
const CONFIRM = `
  with person as (
    select users.id from users join sessions on sessions.user_id = users.id
    where users.id = $2 and sessions.id = $7 for update
  ), ${withNotice(
    'two_factor_on',
    `update two_factors set confirmed_at = $3, last_step = $4, recovery_hashes = $6 from person
     where user_id = person.id and confirmed_at is null and sealed_secret = $5
     returning user_id`,
  )}, ended as (
    delete from sessions using changed where sessions.user_id = changed.user_id and sessions.id <> $7
  ), links as (
    delete from verifications v using changed
    where v.identifier like 'email-change:%' and split_part(v.value, ' ', 1) = changed.user_id
  )
  select from changed`;

/**
 * Turns two-factor sign-in on with a first right code. Ends the user's other sessions. Returns the recovery codes, which
 * are not stored in a readable form. Problems: `email_unverified`, `invalid_code`, `two_factor_on`, `two_factor_off` (there
 * is no key).
 */
export const confirmEnrolment = async (
  { peoplePool, clock, config }: TwoFactorDeps,
  { user, sessionId }: { user: User; sessionId: string },
  code: string,
): Promise<string[]> => {
  requireConfirmed(user);
  const userId = user.id;
  const { rows } = await peoplePool.query<{ sealed: string; isOn: boolean }>(
    `select sealed_secret as sealed, confirmed_at is not null as "isOn" from two_factors where user_id = $1`,
    [userId],
  );
  const [offered] = rows;
  if (!offered) {
    throw new Problem('two_factor_off', 'There is no key to confirm. Request one first.');
  }
  if (offered.isOn) throw alreadyOn();
  const now = clock();
  const step = stepOfCode(openSecret(config.KEY_ENCRYPTION_KEYS, userId, offered.sealed), code, now);
  if (step === undefined) throw invalidCode();
  const codes = newRecoveryCodes();
  const hashes = codes.map((each) => hashRecoveryCode(userId, each));
  const confirmed = await peoplePool.query(CONFIRM, [
    newId('mai'),
    userId,
    now,
    step,
    offered.sealed,
    hashes,
    sessionId,
  ]);
  // Another request has confirmed or replaced the key, or ended the session, in the meantime.
  if (confirmed.rows.length === 0) throw invalidCode();
  // A session that was committed while the statement ran. Later ones find the second factor (`startProvedSession`).
  await peoplePool.query('delete from sessions where user_id = $1 and id <> $2', [userId, sessionId]);
  return codes;
};
