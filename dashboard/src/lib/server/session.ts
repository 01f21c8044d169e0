import { ApiError } from '@sentryagent/sdk';
import type { Session, TierId } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { failPage } from './failures.ts';
import { readableEmail } from './readable-email.ts';

/** The API names it with the prefix where the dashboard is served over https. */
const cookieNames = ['__Host-sentryagent', 'sentryagent'];

const readSession = async (event: RequestEvent): Promise<Session> => {
  const { user, ...session } = await apiFor(event).auth.session();
  return { ...session, user: { ...user, email: readableEmail(user.email) } };
};

/** Who is signed in. Leads to the sign-in page where nobody is. */
export const requireSession = async (event: RequestEvent): Promise<Session> => {
  try {
    return await readSession(event);
  } catch (failure) {
    return failPage(event, failure);
  }
};

/** For pages that everyone may see: `null` for a visitor, `undefined` while the API is away and nobody can tell. */
const find = async <T>(event: RequestEvent, ask: () => Promise<T>): Promise<T | null | undefined> => {
  if (!cookieNames.some((name) => event.cookies.get(name))) return null;
  try {
    return await ask();
  } catch (failure) {
    if (failure instanceof ApiError) return failure.status === 401 ? null : undefined;
    throw failure;
  }
};

/** Who is signed in, if anybody. */
export const findSession = (event: RequestEvent): Promise<Session | null | undefined> =>
  find(event, () => readSession(event));

/** The tier of the tenant that is signed in, if any is. */
export const findTier = (event: RequestEvent): Promise<TierId | null | undefined> =>
  find(event, async () => (await apiFor(event).billing.usage()).tier);
