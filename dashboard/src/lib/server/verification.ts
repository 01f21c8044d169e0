import { ApiError } from '@sentryagent/sdk';
import { fail, redirect } from '@sveltejs/kit';
import type { RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { config } from './config.ts';
import { failForm } from './failures.ts';
import { readForm } from './read-form.ts';
import { readableEmail } from './readable-email.ts';

const PATH = '/verify-email';
const CONFIRMED = 'sentryagent-confirmed';
const KEPT_SECONDS = 15 * 60;

const isCode = (failure: unknown, code: string): boolean =>
  failure instanceof ApiError && failure.code === code;

/** The address that this browser has just confirmed, for the page that says so: it may be loaded again. */
export const readConfirmed = ({ cookies, url }: RequestEvent): string | undefined => {
  const email = url.searchParams.has('confirmed') ? cookies.get(CONFIRMED) : undefined;
  // A sibling domain can set cookies here: no sentence of its own gets onto the page.
  return email !== undefined && /^[^\s@]{1,64}@[^\s@]{1,255}$/.test(email) ? email : undefined;
};

const showConfirmed = ({ cookies }: RequestEvent, email: string): never => {
  const secure = config.origin.startsWith('https:');
  cookies.set(CONFIRMED, email, { path: PATH, maxAge: KEPT_SECONDS, secure });
  redirect(303, `${PATH}?confirmed`);
};

/**
 * Uses up the link of a mail. Only a form does it: mail scanners follow links. After a failure that says nothing of the
 * link the token goes back to the form, to be tried again.
 */
export const confirmEmail = async (event: RequestEvent) => {
  const { token } = await readForm(event.request, ['token']);
  let email: string;
  try {
    ({ email } = await apiFor(event).auth.confirmEmail({ token }));
  } catch (failure) {
    // A token of another length is a link that a mail client has cut, or somebody else's.
    if (isCode(failure, 'invalid_link') || isCode(failure, 'validation_failed')) {
      return fail(400, { refused: true as const });
    }
    return failForm(event, failure, { token }, {});
  }
  return showConfirmed(event, readableEmail(email));
};

/** Mails the signed-in person a new link. */
export const sendLink = async (event: RequestEvent) => {
  try {
    await apiFor(event).auth.requestVerification();
  } catch (failure) {
    // Confirmed meanwhile, which the page says when it is read anew.
    if (isCode(failure, 'email_already_verified')) redirect(303, PATH);
    return failForm(event, failure, {}, {});
  }
  return { sent: true as const };
};
