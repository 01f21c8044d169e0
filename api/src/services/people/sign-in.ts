import { hashPassword, verifyPassword } from 'better-auth/crypto';
import type { Pool } from 'pg';
import { Problem } from '../../platform/problem.ts';
import { startSession } from './account.ts';
import type { AccountDeps, Person, SignedIn } from './account.ts';

/** Holds no connection while it checks the password, because that takes a hundred times as long as the query. */
const findAccount = async (
  pool: Pool,
  email: string,
): Promise<{ user: Person; hash: string } | undefined> => {
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
 * Returns the user if the password is correct. For an unknown address it hashes too, so that both take the same time.
 */
const provePassword = async (pool: Pool, email: string, password: string): Promise<Person | undefined> => {
  const account = await findAccount(pool, email);
  if (!account) {
    await hashPassword(password);
    return undefined;
  }
  return (await verifyPassword({ hash: account.hash, password })) ? account.user : undefined;
};

/** Problem: `invalid_credentials`, the same for an unknown address and a wrong password. */
export const signIn = async (
  { people, peoplePool }: AccountDeps,
  { email, password }: { email: string; password: string },
  headers: Headers,
): Promise<SignedIn> => {
  const user = await provePassword(peoplePool, email, password);
  if (!user) {
    throw new Problem(
      'invalid_credentials',
      'The email address or the password is wrong. Check both and try again.',
    );
  }
  return startSession(people, user, headers);
};
