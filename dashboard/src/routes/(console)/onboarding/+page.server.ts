import { config } from '#lib/server/config.ts';
import { completeAgent, registerAgent } from '#lib/server/onboarding.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = () => ({
  apiUrl: config.publicApiUrl,
  now: new Date().toISOString(),
});

export const actions: Actions = { register: registerAgent, complete: completeAgent };
