import { loadAgent } from '#lib/server/agent-page.ts';
import { changeScopes } from '#lib/server/edit-agent.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = loadAgent;

export const actions: Actions = { default: changeScopes };
