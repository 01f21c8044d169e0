import { ApiError, type Tier } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';

/** The catalogue, for a page that can do without. `null`: it is unavailable. */
export const findTiers = async (event: RequestEvent): Promise<Tier[] | null> => {
  try {
    return (await apiFor(event).billing.tiers()).data;
  } catch (failure) {
    if (failure instanceof ApiError) return null;
    throw failure;
  }
};
