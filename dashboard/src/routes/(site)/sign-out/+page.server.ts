import { redirect } from '@sveltejs/kit';
import { apiFor } from '#lib/server/api.ts';
import { toPage } from '#lib/server/failures.ts';
import type { Actions } from './$types';

export const actions: Actions = {
  default: async (event) => {
    await apiFor(event).auth.signOut().catch(toPage(event));
    redirect(303, '/');
  },
};
