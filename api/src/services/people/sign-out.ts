import type { People } from '../../platform/people.ts';
import { unavailable } from '../../platform/problem.ts';

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
