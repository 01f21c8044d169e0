import { apiFor } from '#lib/server/api.ts';
import { toPage } from '#lib/server/failures.ts';
import { findPlan } from '#lib/server/session.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const found = Promise.all([apiFor(event).billing.tiers(), findPlan(event)]);
  const [{ data }, current] = await found.catch(toPage(event));
  return { tiers: data, current };
};
