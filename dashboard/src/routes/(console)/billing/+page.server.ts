import { cancel, loadBilling, resume } from '#lib/server/billing.ts';
import { portal, upgrade } from '#lib/server/to-stripe.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = loadBilling;

export const actions: Actions = { upgrade, portal, cancel, resume };
