import type { Pool } from 'pg';
import type { People } from '../../platform/people.ts';

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

/** Signs in a person who has proved who they are. `token`: of the new session. */
export const startSession = async (
  people: People,
  user: Person,
  headers: Headers,
): Promise<SignedIn & { token: string }> => {
  const started = await people.api.startSession({ body: { userId: user.id }, headers, returnHeaders: true });
  return { user, cookies: started.headers.getSetCookie(), token: started.response.token };
};
