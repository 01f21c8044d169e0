import { newId } from '../../platform/ids.ts';
import { withNotice } from './queue-notice.ts';
import { hashRecoveryCode, newRecoveryCodes } from './recovery-codes.ts';
import { twoFactorOff, type TwoFactorDeps } from './two-factor-deps.ts';
import { useProof, type Proof } from './use-proof.ts';

export interface TwoFactor {
  /** When two-factor sign-in was turned on. `null`: it is off. */
  enabledAt: Date | null;
  recoveryCodesLeft: number;
}

export const readTwoFactor = async (
  { peoplePool }: Pick<TwoFactorDeps, 'peoplePool'>,
  userId: string,
): Promise<TwoFactor> => {
  const { rows } = await peoplePool.query<TwoFactor>(
    `select confirmed_at as "enabledAt", cardinality(recovery_hashes) as "recoveryCodesLeft"
     from two_factors where user_id = $1`,
    [userId],
  );
  return rows[0] ?? { enabledAt: null, recoveryCodesLeft: 0 };
};

const RENEW = `
  with ${withNotice(
    'recovery_codes_renewed',
    `update two_factors set recovery_hashes = $3 where user_id = $2 and confirmed_at is not null
     returning user_id`,
  )}
  select from changed`;

/** Replaces all recovery codes, and queues a mail. Problems: `invalid_code`, `two_factor_off`. */
export const renewRecoveryCodes = async (
  deps: TwoFactorDeps,
  userId: string,
  proof: Proof,
): Promise<string[]> => {
  await useProof(deps, userId, proof);
  const codes = newRecoveryCodes();
  const hashes = codes.map((code) => hashRecoveryCode(userId, code));
  const { rowCount } = await deps.peoplePool.query(RENEW, [newId('mai'), userId, hashes]);
  if (rowCount === 0) throw twoFactorOff();
  return codes;
};

const TURN_OFF = withNotice('two_factor_off', 'delete from two_factors where user_id = $2 returning user_id');

/** Deletes the key, the recovery codes and the sign-ins that wait for a code. Queues a mail. Problem: `invalid_code`. */
export const turnOffTwoFactor = async (deps: TwoFactorDeps, userId: string, proof: Proof): Promise<void> => {
  await useProof(deps, userId, proof);
  await deps.peoplePool.query(`with ${TURN_OFF} select from changed`, [newId('mai'), userId]);
};

const TURN_OFF_BY_EMAIL = `
  with person as (select id from users where email = $2 for update), ${withNotice(
    'two_factor_off',
    `delete from two_factors using person where user_id = person.id and confirmed_at is not null
     returning user_id`,
  )}, ended as (
    delete from sessions using changed where sessions.user_id = changed.user_id returning sessions.id
  )
  select user_id as "userId", (select count(*)::int from ended) as sessions from changed`;

/**
 * For an operator whose user has lost the app and the recovery codes. Ends all sessions of the user, and queues a mail.
 * `undefined`: no user with this address has a second factor.
 */
export const turnOffByEmail = async (
  { peoplePool }: Pick<TwoFactorDeps, 'peoplePool'>,
  email: string,
): Promise<{ userId: string; sessions: number } | undefined> => {
  const { rows } = await peoplePool.query<{ userId: string; sessions: number }>(TURN_OFF_BY_EMAIL, [
    newId('mai'),
    email,
  ]);
  return rows[0];
};
