import { redirect } from '@sveltejs/kit';
import { enter } from '#lib/server/account.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent }) => {
  const { session } = await parent();
  if (session) redirect(303, '/usage');
};

export const actions: Actions = { default: (event) => enter(event, 'signUp', '/onboarding') };
