import type { RequestEvent } from '@sveltejs/kit';
import type { SecondFactorNeeded, SignedIn } from '@sentryagent/sdk';
import { secondFactorPath } from '#lib/navigation/safe-redirect.ts';
import { apiFor } from './api.ts';
import { submit } from './failures.ts';
import { readForm } from './read-form.ts';
import { readableEmail } from './readable-email.ts';

type Enter = 'signIn' | 'signUp';

const byCode = { email_taken: 'An account with this email address already exists.' };

/** Signs a user in or up, or begins to. The redirect sets the API's cookie in the browser. */
export const enter = async (event: RequestEvent, how: Enter, destination: string) => {
  const form = await readForm(event.request, ['email', 'password']);
  const email = form.email.trim();
  const entered: Promise<SignedIn | SecondFactorNeeded> = apiFor(event).auth[how]({
    email,
    password: form.password,
  });
  return submit(
    event,
    entered,
    (session) => ('user' in session ? destination : secondFactorPath(destination)),
    { values: { email: readableEmail(email) }, fields: ['email', 'password'], byCode },
  );
};
