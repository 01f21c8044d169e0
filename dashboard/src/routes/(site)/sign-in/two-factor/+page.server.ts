import { redirect } from '@sveltejs/kit';
import { safeRedirect, signInPath } from '#lib/navigation/safe-redirect.ts';
import { finishSignIn, hasChallenge } from '#lib/server/two-factor.ts';
import type { Actions, PageServerLoad } from './$types';

const destination = (url: URL) => safeRedirect(url.searchParams.get('next'), '/usage');

export const load: PageServerLoad = async (event) => {
  const { session } = await event.parent();
  const next = destination(event.url);
  if (session) redirect(303, next);
  if (!hasChallenge(event)) redirect(303, signInPath(next));
  return { next, isOfApp: event.url.searchParams.get('with') !== 'recovery-code' };
};

export const actions: Actions = { default: (event) => finishSignIn(event, destination(event.url)) };
