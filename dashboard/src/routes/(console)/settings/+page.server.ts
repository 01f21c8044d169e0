import { passwordActions, profileActions, tenantActions } from '#lib/server/settings.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = ({ url }) => ({ done: url.searchParams.get('done') });

export const actions: Actions = { ...profileActions, ...passwordActions, ...tenantActions };
