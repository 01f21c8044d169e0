import { redirect } from '@sveltejs/kit';
import { apiFor } from '#lib/server/api.ts';
import { failPage } from '#lib/server/failures.ts';
import type { Actions } from './$types';

export const actions: Actions = {
  default: async (event) => {
    try {
      await apiFor(event).auth.signOut();
    } catch (failure) {
      failPage(event, failure);
    }
    redirect(303, '/');
  },
};
