import { ApiError } from '@sentryagent/sdk';
import { fail, redirect, type RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { failForm } from './failures.ts';
import { readForm } from './read-form.ts';
import { readableEmail } from './readable-email.ts';

/**
 * Whether the link itself is refused. A token of another length fails validation, for example if a mail client has cut
 * the link.
 */
export const isRefusedLink = (failure: unknown): boolean => {
  if (!(failure instanceof ApiError)) return false;
  const errors = (failure.problem.errors ?? []) as { path: string }[];
  return failure.code === 'invalid_link' || errors.some(({ path }) => path === 'body.token');
};

/** The link works until it is used, so the page must not be cached. */
export const readLink = (event: RequestEvent): { token: string | null; isDone: boolean } => {
  event.setHeaders({ 'cache-control': 'no-store' });
  const { searchParams } = event.url;
  return { token: searchParams.get('token'), isDone: searchParams.has('done') };
};

/** The page says the same whether the address has an account. */
export const requestReset = async (event: RequestEvent) => {
  const form = await readForm(event.request, ['email']);
  const email = form.email.trim();
  try {
    await apiFor(event).auth.requestPasswordReset({ email });
  } catch (failure) {
    return failForm(event, failure, { email: readableEmail(email) }, ['email']);
  }
  return { sentTo: readableEmail(email) };
};

/** Uses the link. The token leaves the URL with the first form that is sent. */
const useLink = async (event: RequestEvent, used: Promise<unknown>, token: string, path: string) => {
  try {
    await used;
  } catch (failure) {
    if (isRefusedLink(failure)) return fail(400, { refused: true as const });
    return failForm(event, failure, { token }, ['password']);
  }
  redirect(303, `${path}?done`);
};

export const resetPassword = async (event: RequestEvent) => {
  const { token, password } = await readForm(event.request, ['token', 'password']);
  return useLink(event, apiFor(event).auth.resetPassword({ token, password }), token, '/reset-password');
};

/** Makes the address of the link the user's address. */
export const confirmEmailChange = async (event: RequestEvent) => {
  const { token } = await readForm(event.request, ['token']);
  return useLink(event, apiFor(event).auth.confirmEmailChange({ token }), token, '/change-email');
};
