import { ApiError } from '@sentryagent/sdk';
import { fail, redirect, type RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { config } from './config.ts';
import { failForm } from './failures.ts';
import { isRefusedLink } from './mailed-links.ts';
import { readForm } from './read-form.ts';
import { readableEmail } from './readable-email.ts';

const PATH = '/verify-email';
const CONFIRMED = 'sentryagent-confirmed';
const KEPT_SECONDS = 15 * 60;

/** The address that this browser has just confirmed. It is in a cookie, so the page can be reloaded. */
export const readConfirmed = ({ cookies, url }: RequestEvent): string | undefined => {
  const email = url.searchParams.has('confirmed') ? cookies.get(CONFIRMED) : undefined;
  // A sibling domain can set this cookie, so the page shows only what looks like an email address.
  return email !== undefined && /^[^\s@]{1,64}@[^\s@]{1,255}$/.test(email) ? email : undefined;
};

const showConfirmed = ({ cookies }: RequestEvent, email: string): never => {
  const secure = config.origin.startsWith('https:');
  cookies.set(CONFIRMED, email, { path: PATH, maxAge: KEPT_SECONDS, secure });
  redirect(303, `${PATH}?confirmed`);
};

/**
 * Uses the link of a mail. This needs a form, because mail scanners follow links. If the failure is not about the link,
 * the token is returned to the form, so the user can try again.
 */
export const confirmEmail = async (event: RequestEvent) => {
  const { token } = await readForm(event.request, ['token']);
  let email: string;
  try {
    ({ email } = await apiFor(event).auth.confirmEmail({ token }));
  } catch (failure) {
    if (isRefusedLink(failure)) return fail(400, { refused: true as const });
    return failForm(event, failure, { token }, []);
  }
  return showConfirmed(event, readableEmail(email));
};

/** Sends the signed-in user a new link. */
export const sendLink = async (event: RequestEvent) => {
  try {
    await apiFor(event).auth.requestVerification();
  } catch (failure) {
    // Confirmed in another tab. The reloaded page says so.
    if (failure instanceof ApiError && failure.code === 'email_already_verified') redirect(303, PATH);
    return failForm(event, failure, {}, []);
  }
  return { sent: true as const };
};
