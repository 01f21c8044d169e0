import { loadAgent } from '#lib/server/agent-page.ts';
import { decommission, reactivate, suspend } from '#lib/server/agent-status.ts';
import { changeCap } from '#lib/server/edit-agent.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = loadAgent;

export const actions: Actions = { suspend, reactivate, decommission, cap: changeCap };
