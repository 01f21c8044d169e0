import { apiFor } from '#lib/server/api.ts';
import { failPage } from '#lib/server/failures.ts';
import { findTier } from '#lib/server/session.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  try {
    const [{ data }, current] = await Promise.all([apiFor(event).billing.tiers(), findTier(event)]);
    return { tiers: data, current };
  } catch (failure) {
    return failPage(event, failure);
  }
};
