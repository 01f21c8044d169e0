import { apiFor } from '#lib/server/api.ts';
import { failPage } from '#lib/server/failures.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const cursor = event.url.searchParams.get('cursor') ?? undefined;
  try {
    const { data, nextCursor } = await apiFor(event).agents.list({ cursor });
    return { agents: data, nextCursor, isFirst: cursor === undefined };
  } catch (failure) {
    return failPage(event, failure);
  }
};
