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

/** Signs in a person who has just made the account. */
export const startSession = async (people: People, user: Person, headers: Headers) => {
  const started = await people.api.startSession({ body: { userId: user.id }, headers, returnHeaders: true });
  return { user, cookies: started.headers.getSetCookie(), token: started.response.token };
};

/** A user's live sessions. Scripts sign in for ever and never sign out, and nobody reads a longer list. */
export const MOST_SESSIONS = 100;

const END_OLDEST = `
  delete from sessions where user_id = $1 and id in (
    select id from sessions where user_id = $1 order by created_at desc, id desc offset ${MOST_SESSIONS}
  )`;

/**
 * Signs in a person who has proved who they are. Ends the user's oldest sessions above `MOST_SESSIONS`. A new password or a new second factor ends all sessions, and this one
 * may be stored just after that. So `confirm` checks the proof once more, after the session is stored. If it throws, the
 * session is deleted.
 */
export const startProvedSession = async (
  { people, peoplePool }: AccountDeps,
  user: Person,
  { headers, confirm }: { headers: Headers; confirm: () => Promise<void> },
): Promise<SignedIn> => {
  const { token, cookies } = await startSession(people, user, headers);
  try {
    await confirm();
  } catch (error) {
    await peoplePool.query('delete from sessions where token = $1', [token]);
    throw error;
  }
  await peoplePool.query(END_OLDEST, [user.id]);
  return { user, cookies };
};
