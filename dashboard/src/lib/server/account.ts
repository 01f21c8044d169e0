import { redirect } from '@sveltejs/kit';
import type { RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { failForm } from './failures.ts';
import type { FieldWords } from './failures.ts';
import { readForm } from './read-form.ts';

type Enter = 'signIn' | 'signUp';

const words: Record<Enter, FieldWords> = {
  signIn: { email: 'Enter your email address, such as name@example.com.', password: 'Enter your password.' },
  signUp: {
    email: 'Enter an email address, such as name@example.com.',
    password: 'Choose a password of 8 to 128 characters.',
  },
};

/** Signs a person in or up; the API's cookie goes to the browser with the redirect. */
export const enter = async (event: RequestEvent, how: Enter, destination: string) => {
  const form = await readForm(event.request, ['email', 'password']);
  const email = form.email.trim();
  try {
    await apiFor(event).auth[how]({ email, password: form.password });
  } catch (failure) {
    return failForm(event, failure, { email }, words[how]);
  }
  redirect(303, destination);
};
