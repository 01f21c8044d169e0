import { ApiError } from '@sentryagent/sdk';
import type { Client, Session, TierId } from '@sentryagent/sdk';
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

/** For pages that everyone may see: `null` for a visitor, `undefined` while the API is away and nobody can tell. */
const find = async <T>(
  event: RequestEvent,
  ask: (api: Client) => Promise<T>,
): Promise<T | null | undefined> => {
  if (!cookieNames.some((name) => event.cookies.get(name))) return null;
  try {
    return await ask(apiFor(event));
  } catch (failure) {
    if (failure instanceof ApiError) return failure.status === 401 ? null : undefined;
    throw failure;
  }
};

/** Who is signed in, if anybody. */
export const findSession = (event: RequestEvent): Promise<Session | null | undefined> =>
  find(event, ({ auth }) => auth.session());

/** The tier of the tenant that is signed in, if any is. */
export const findTier = (event: RequestEvent): Promise<TierId | null | undefined> =>
  find(event, async ({ billing }) => (await billing.usage()).tier);
