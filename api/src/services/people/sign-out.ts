import type { People } from '../../platform/people.ts';
import { unavailable } from '../../platform/problem.ts';

/** Ends the session on the server, so that a copy of the cookie is worth nothing; answers the lines that clear it. */
export const signOut = async (people: People, headers: Headers): Promise<string[]> => {
  const ended = await people.api.signOut({ headers, returnHeaders: true });
  // It keeps a failed deletion to itself.
  if (await people.api.getSession({ headers })) throw unavailable(new Error('the session did not end'));
  return ended.headers.getSetCookie();
};
