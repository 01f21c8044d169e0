import { ApiError } from '@sentryagent/sdk';
import { apiFor } from '#lib/server/api.ts';
import type { PageServerLoad } from './$types';

const unlessUnreachable = (failure: unknown): undefined => {
  if (!(failure instanceof ApiError)) throw failure;
};

/** An unreachable API is what the page is for, so it is no error. */
export const load: PageServerLoad = async (event) => {
  const health = await apiFor(event).detailedHealth().catch(unlessUnreachable);
  return { services: health?.services, at: new Date().toISOString() };
};
