import { hashPassword } from 'better-auth/crypto';
import type { Pool } from 'pg';
import { newId } from '../../platform/ids.ts';
import { Problem } from '../../platform/problem.ts';
import { startSession, type AccountDeps, type Person, type SignedIn } from './account.ts';
import { checkPassword } from './check-password.ts';

/**
 * One statement, so that user and password are stored together. The unique index on the address prevents a second
 * account.
 */
const insertAccount = async (pool: Pool, { id, email, name }: Person, hash: string): Promise<boolean> => {
  const { rowCount } = await pool.query(
    `with person as (
       insert into users (id, name, email, email_verified) values ($1, $2, $3, false)
       on conflict (email) do nothing returning id
     )
     insert into accounts (id, account_id, provider_id, user_id, password, updated_at)
     select $4, person.id, 'credential', person.id, $5, now() from person`,
    [id, name, email, newId('acc'), hash],
  );
  return rowCount === 1;
};

interface NewAccount {
  /** Normalized by `http/email.ts`. */
  email: string;
  password: string;
  name?: string | undefined;
}

/** Creates an account and signs in. Hashes before it takes a connection. Problems: `weak_password`, `email_taken`. */
export const signUp = async (
  { people, peoplePool }: AccountDeps,
  { email, password, name }: NewAccount,
  headers: Headers,
): Promise<SignedIn> => {
  const user = { id: newId('usr'), email, name: name ?? email.split('@')[0] ?? email };
  checkPassword(password, email);
  const hash = await hashPassword(password);
  if (!(await insertAccount(peoplePool, user, hash))) {
    throw new Problem('email_taken', 'An account with this email address already exists. Sign in instead.');
  }
  const { cookies } = await startSession(people, user, headers);
  return { user, cookies };
};
