import { loadGrants, saveGrants } from '#lib/server/resource-grants.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = loadGrants;

export const actions: Actions = { default: saveGrants };
