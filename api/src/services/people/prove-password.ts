import { hashPassword, verifyPassword } from 'better-auth/crypto';
import type { Pool } from 'pg';
import type { Person } from './account.ts';

/** A user, and what a session that only the password has earned depends on. */
export interface Account {
  user: Person;
  hash: string;
  /** When two-factor sign-in was turned on. `null`: it is off. */
  secondFactorAt: Date | null;
}

/** Holds no connection while it checks the password, because that takes a hundred times as long as the query. */
const findAccount = async (pool: Pool, email: string): Promise<Account | undefined> => {
  const { rows } = await pool.query<Person & { password: string; secondFactorAt: Date | null }>(
    `select u.id, u.email, u.name, a.password, t.confirmed_at as "secondFactorAt" from users u
     join accounts a on a.user_id = u.id and a.account_id = u.id and a.provider_id = 'credential'
     left join two_factors t on t.user_id = u.id
     where u.email = $1 and a.password is not null`,
    [email],
  );
  const [row] = rows;
  if (!row) return undefined;
  const { password: hash, secondFactorAt, ...user } = row;
  return { user, hash, secondFactorAt };
};

/** Whether the password and the second factor are still these. Waits for a change of the password that is being committed. */
export const isCurrent = async (pool: Pool, { user, hash, secondFactorAt }: Account): Promise<boolean> => {
  const { rowCount } = await pool.query(
    `select from accounts a left join two_factors t on t.user_id = a.user_id
     where a.user_id = $1 and a.account_id = $1 and a.provider_id = 'credential' and a.password = $2
       and t.confirmed_at is not distinct from $3
     for share of a`,
    [user.id, hash, secondFactorAt],
  );
  return rowCount === 1;
};

/**
 * Returns the account if the password is correct. For an unknown address it hashes too, so that both take the same time.
 */
export const provePassword = async (
  pool: Pool,
  email: string,
  password: string,
): Promise<Account | undefined> => {
  const account = await findAccount(pool, email);
  if (!account) {
    await hashPassword(password);
    return undefined;
  }
  return (await verifyPassword({ hash: account.hash, password })) ? account : undefined;
};
