import { hashPassword, verifyPassword } from 'better-auth/crypto';
import type { Pool } from 'pg';
import type { Person } from './account.ts';

/** A user and the hash of the password. */
export interface Account {
  user: Person;
  hash: string;
}

/** Holds no connection while it checks the password, because that takes a hundred times as long as the query. */
const findAccount = async (pool: Pool, email: string): Promise<Account | undefined> => {
  const { rows } = await pool.query<Person & { password: string }>(
    `select u.id, u.email, u.name, a.password from users u
     join accounts a on a.user_id = u.id and a.account_id = u.id and a.provider_id = 'credential'
     where u.email = $1 and a.password is not null`,
    [email],
  );
  const [row] = rows;
  return row && { user: { id: row.id, email: row.email, name: row.name }, hash: row.password };
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
