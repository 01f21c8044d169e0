import { readLink, resetPassword } from '#lib/server/mailed-links.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = readLink;

export const actions: Actions = { reset: resetPassword };
