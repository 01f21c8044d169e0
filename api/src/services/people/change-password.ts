import { hashPassword } from 'better-auth/crypto';
import { newId } from '../../platform/ids.ts';
import { Problem } from '../../platform/problem.ts';
import { startProvedSession, type AccountDeps, type Person } from './account.ts';
import { checkPassword } from './check-password.ts';
import { isCurrent, provePassword } from './prove-password.ts';

/**
 * Replaces only the password that was proved. The database ends all sessions and open links (trigger
 * `end_sessions_of_old_password`). An unconfirmed address can belong to somebody else and gets no mail.
 */
const REPLACE = `
  with person as (
    select id, email, email_verified from users where id = $1 for update
  ), account as (
    update accounts set password = $3, updated_at = now() from person
    where accounts.user_id = person.id and accounts.account_id = person.id
      and accounts.provider_id = 'credential' and accounts.password = $2
    returning person.email, person.email_verified
  ), mail as (
    insert into mails (id, kind, key, recipient, data)
    select $4, 'password_changed', $4, email, '{}' from account where email_verified
  )
  select from account`;

const wrongPassword = (): Problem =>
  new Problem('wrong_password', 'The current password is wrong. Check it and try again.');

export interface PasswordChange {
  currentPassword: string;
  newPassword: string;
}

/**
 * Sets a new password, ends all sessions of the user and starts a new one. Returns its `Set-Cookie` lines. Problems:
 * `weak_password`, `wrong_password`.
 */
export const changePassword = async (
  deps: AccountDeps,
  user: Person,
  { currentPassword, newPassword }: PasswordChange,
  headers: Headers,
): Promise<string[]> => {
  const { peoplePool } = deps;
  checkPassword(newPassword, user.email);
  const account = await provePassword(peoplePool, user.email, currentPassword);
  if (!account) throw wrongPassword();
  const hash = await hashPassword(newPassword);
  const { rowCount } = await peoplePool.query(REPLACE, [user.id, account.hash, hash, newId('mai')]);
  if (rowCount !== 1) throw wrongPassword();
  const confirm = async () => {
    if (!(await isCurrent(peoplePool, { ...account, hash }))) throw wrongPassword();
  };
  return (await startProvedSession(deps, account.user, { headers, confirm })).cookies;
};
