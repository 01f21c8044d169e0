import { APIError } from 'better-auth/api';
import type { People } from '../../platform/people.ts';
import { Problem, unavailable } from '../../platform/problem.ts';

export interface Person {
  id: string;
  email: string;
  name: string;
}

/** A person who is signed in from now on (or no more), and the `Set-Cookie` lines that say so. */
export interface SignedIn {
  user: Person;
  cookies: string[];
}

const toPerson = ({ id, email, name }: Person): Person => ({ id, email, name });

/** better-auth's refusals by its stable codes; what is not listed is a defect and stays one. */
const refusals: Readonly<Record<string, () => Problem>> = {
  INVALID_EMAIL_OR_PASSWORD: () =>
    new Problem('invalid_credentials', 'Wrong email or password. Check both and try again.'),
  USER_ALREADY_EXISTS: () => new Problem('email_taken', 'This address has an account. Sign in instead.'),
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: () =>
    new Problem('email_taken', 'This address has an account. Sign in instead.'),
  INVALID_EMAIL: () => new Problem('validation_failed', 'This is not an email address.'),
};

const codeOf = ({ body }: APIError): string => (body as { code?: string } | undefined)?.code ?? '';

const translate = (error: unknown): unknown =>
  error instanceof APIError ? (refusals[codeOf(error)]?.() ?? error) : error;

const answer = (headers: Headers, user: Person): SignedIn => ({
  user: toPerson(user),
  cookies: headers.getSetCookie(),
});

type Account = Parameters<People['api']['signUpEmail']>[0] & { returnHeaders: true };

/** better-auth keeps the database's reason to itself: asked again, it finds the account that another made meanwhile. */
const makeAccount = (people: People, account: Account) =>
  people.api.signUpEmail(account).catch((error: unknown) => {
    const failed = error instanceof APIError && codeOf(error) === 'FAILED_TO_CREATE_USER';
    if (!failed) throw error;
    return people.api.signUpEmail(account);
  });

/** Makes an account and signs it in. Problem: `email_taken`. */
export const signUp = async (
  people: People,
  { email, password, name }: { email: string; password: string; name?: string | undefined },
  headers: Headers,
): Promise<SignedIn> => {
  try {
    const body = { email, password, name: name ?? email.split('@')[0] ?? email };
    const made = await makeAccount(people, { body, headers, returnHeaders: true });
    return answer(made.headers, made.response.user);
  } catch (error) {
    throw translate(error);
  }
};

/** Problem: `invalid_credentials`, the same for an unknown address and a wrong password. */
export const signIn = async (
  people: People,
  { email, password }: { email: string; password: string },
  headers: Headers,
): Promise<SignedIn> => {
  try {
    const found = await people.api.signInEmail({ body: { email, password }, headers, returnHeaders: true });
    return answer(found.headers, found.response.user);
  } catch (error) {
    throw translate(error);
  }
};

/** Ends the session on the server, so that a copy of the cookie is worth nothing; answers the lines that clear it. */
export const signOut = async (people: People, headers: Headers): Promise<string[]> => {
  const ended = await people.api.signOut({ headers, returnHeaders: true });
  // It keeps a failed deletion to itself.
  if (await people.api.getSession({ headers })) throw unavailable(new Error('the session did not end'));
  return ended.headers.getSetCookie();
};
