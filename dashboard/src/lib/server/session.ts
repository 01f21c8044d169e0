import { ApiError } from '@sentryagent/sdk';
import type { Session } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { failPage } from './failures.ts';

/** The API names it with the prefix where the dashboard is served over https. */
const cookieNames = ['__Host-sentryagent', 'sentryagent'];

/** Who is signed in. Leads to the sign-in page where nobody is. */
export const requireSession = async (event: RequestEvent): Promise<Session> => {
  try {
    return await apiFor(event).auth.session();
  } catch (failure) {
    return failPage(event, failure);
  }
};

/** Who is signed in, for pages that everyone may see: `null` for a visitor, and while the API is away. */
export const findSession = async (event: RequestEvent): Promise<Session | null> => {
  if (!cookieNames.some((name) => event.cookies.get(name))) return null;
  try {
    return await apiFor(event).auth.session();
  } catch (failure) {
    if (failure instanceof ApiError) return null;
    throw failure;
  }
};
