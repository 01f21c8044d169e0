import type { RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { failForm } from './failures.ts';
import { readForm } from './read-form.ts';

/** Uses up the link of a mail. Only a form does it: mail scanners follow links. */
export const confirmEmail = async (event: RequestEvent) => {
  const { token } = await readForm(event.request, ['token']);
  try {
    await apiFor(event).auth.confirmEmail({ token });
  } catch (failure) {
    return failForm(event, failure, {}, {});
  }
  return { done: 'confirmed' as const };
};

/** Mails the signed-in person a new link. */
export const sendLink = async (event: RequestEvent) => {
  try {
    await apiFor(event).auth.requestVerification();
  } catch (failure) {
    return failForm(event, failure, {}, {});
  }
  return { done: 'sent' as const };
};
