import { redirect } from '@sveltejs/kit';
import { safeRedirect } from '#lib/navigation/safe-redirect.ts';
import { enter } from '#lib/server/account.ts';
import type { Actions, PageServerLoad } from './$types';

const destination = (url: URL) => safeRedirect(url.searchParams.get('next'), '/usage');

export const load: PageServerLoad = async ({ parent, url }) => {
  const { session } = await parent();
  if (session) redirect(303, destination(url));
};

export const actions: Actions = { default: (event) => enter(event, 'signIn', destination(event.url)) };
