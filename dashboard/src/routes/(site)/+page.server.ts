import { redirect } from '@sveltejs/kit';
import { config } from '#lib/server/config.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ parent }) => {
  const { session } = await parent();
  if (session) redirect(303, '/usage');
  return { apiUrl: config.publicApiUrl };
};
