import { hashPassword, verifyPassword } from 'better-auth/crypto';
import type { Pool } from 'pg';
import { newId } from '../../platform/ids.ts';
import type { People } from '../../platform/people.ts';
import { Problem, unavailable } from '../../platform/problem.ts';

export interface Person {
  id: string;
  email: string;
  name: string;
}

/** A signed-in user, and the `Set-Cookie` lines of the session. */
export interface SignedIn {
  user: Person;
  cookies: string[];
}

export interface AccountDeps {
  people: People;
  peoplePool: Pool;
}

const startSession = async (people: People, user: Person, headers: Headers): Promise<SignedIn> => {
  const started = await people.api.startSession({ body: { userId: user.id }, headers, returnHeaders: true });
  return { user, cookies: started.headers.getSetCookie() };
};

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

/** Creates an account and signs in. Hashes before it takes a connection. Problem: `email_taken`. */
export const signUp = async (
  { people, peoplePool }: AccountDeps,
  { email, password, name }: NewAccount,
  headers: Headers,
): Promise<SignedIn> => {
  const user = { id: newId('usr'), email, name: name ?? email.split('@')[0] ?? email };
  const hash = await hashPassword(password);
  if (!(await insertAccount(peoplePool, user, hash))) {
    throw new Problem('email_taken', 'An account with this email address already exists. Sign in instead.');
  }
  return startSession(people, user, headers);
};

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

/**
 * Deletes the session on the server, so that a copied cookie is useless. Returns the `Set-Cookie` lines that clear the
 * cookie.
 */
export const signOut = async (people: People, headers: Headers): Promise<string[]> => {
  const ended = await people.api.signOut({ headers, returnHeaders: true });
  // better-auth does not report a failed deletion.
  if (await people.api.getSession({ headers })) throw unavailable(new Error('the session did not end'));
  return ended.headers.getSetCookie();
};
