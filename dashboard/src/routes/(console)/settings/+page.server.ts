import { apiFor } from '#lib/server/api.ts';
import { toPage } from '#lib/server/failures.ts';
import { settingsActions } from '#lib/server/settings.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const api = apiFor(event);
  const found = Promise.all([api.twoFactor.get(), api.sessions.list()]);
  const [twoFactor, sessions] = await found.catch(toPage(event));
  return { done: event.url.searchParams.get('done'), twoFactor, sessions: sessions.data };
};

export const actions: Actions = settingsActions;
