import { redirect } from '@sveltejs/kit';
import type { RequestEvent } from '@sveltejs/kit';
import type { SecondFactorNeeded, SignedIn } from '@sentryagent/sdk';
import { secondFactorPath } from '#lib/navigation/safe-redirect.ts';
import { apiFor } from './api.ts';
import { failForm } from './failures.ts';
import { readForm } from './read-form.ts';
import { readableEmail } from './readable-email.ts';

type Enter = 'signIn' | 'signUp';

const byCode = { email_taken: 'An account with this email address already exists.' };

/** Signs a user in or up, or begins to. The redirect sets the API's cookie in the browser. */
export const enter = async (event: RequestEvent, how: Enter, destination: string) => {
  const form = await readForm(event.request, ['email', 'password']);
  const email = form.email.trim();
  let entered: SignedIn | SecondFactorNeeded;
  try {
    entered = await apiFor(event).auth[how]({ email, password: form.password });
  } catch (failure) {
    return failForm(event, failure, { email: readableEmail(email) }, ['email', 'password'], byCode);
  }
  redirect(303, 'user' in entered ? destination : secondFactorPath(destination));
};
