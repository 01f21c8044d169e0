import { findTiers } from '#lib/server/find-tiers.ts';
import { areFirstStepsHidden, hideFirstSteps } from '#lib/server/first-steps.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const { session, first } = await event.parent();
  const tiers = first?.tiers ?? (await findTiers(event));
  return { tiers, firstStepsHidden: areFirstStepsHidden(event, session) };
};

export const actions: Actions = { hideFirstSteps };
