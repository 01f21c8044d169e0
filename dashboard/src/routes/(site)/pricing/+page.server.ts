import { apiFor } from '#lib/server/api.ts';
import { failPage } from '#lib/server/failures.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  try {
    const { data } = await apiFor(event).billing.tiers();
    return { tiers: data };
  } catch (failure) {
    return failPage(event, failure);
  }
};
