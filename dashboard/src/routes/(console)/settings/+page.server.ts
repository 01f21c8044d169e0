import { apiFor } from '#lib/server/api.ts';
import { failPage } from '#lib/server/failures.ts';
import { passwordActions, profileActions, sessionActions, tenantActions } from '#lib/server/settings.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const api = apiFor(event);
  try {
    const [twoFactor, sessions] = await Promise.all([api.twoFactor.get(), api.sessions.list()]);
    return { done: event.url.searchParams.get('done'), twoFactor, sessions: sessions.data };
  } catch (failure) {
    return failPage(event, failure);
  }
};

export const actions: Actions = {
  ...profileActions,
  ...passwordActions,
  ...sessionActions,
  ...tenantActions,
};
