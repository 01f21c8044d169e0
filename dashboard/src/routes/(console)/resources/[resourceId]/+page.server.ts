import { loadResource, removeResource } from '#lib/server/resources.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = loadResource;

export const actions: Actions = { remove: removeResource };
