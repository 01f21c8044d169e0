import { ApiError, type Session, type Usage } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { toPage } from './failures.ts';
import { readableEmail } from './readable-email.ts';

/** The API uses the prefix if the dashboard is served over https. */
const cookieNames = ['__Host-sentryagent', 'sentryagent'];

const readSession = async (event: RequestEvent): Promise<Session> => {
  const { user, ...session } = await apiFor(event).auth.session();
  return { ...session, user: { ...user, email: readableEmail(user.email) } };
};

/** Returns the session. Redirects to the sign-in page if there is none. */
export const requireSession = (event: RequestEvent): Promise<Session> =>
  readSession(event).catch(toPage(event));

/** For public pages. `null`: not signed in. `undefined`: unknown, because the API is unavailable. */
const find = async <T>(event: RequestEvent, ask: () => Promise<T>): Promise<T | null | undefined> => {
  if (!cookieNames.some((name) => event.cookies.get(name))) return null;
  try {
    return await ask();
  } catch (failure) {
    if (failure instanceof ApiError) return failure.status === 401 ? null : undefined;
    throw failure;
  }
};

export const findSession = (event: RequestEvent): Promise<Session | null | undefined> =>
  find(event, () => readSession(event));

export const findPlan = (event: RequestEvent): Promise<Pick<Usage, 'tier' | 'status'> | null | undefined> =>
  find(event, async () => {
    const { tier, status } = await apiFor(event).billing.usage();
    return { tier, status };
  });
