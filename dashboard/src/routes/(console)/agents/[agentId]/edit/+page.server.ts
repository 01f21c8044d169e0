import { loadAgent } from '#lib/server/agent-page.ts';
import { editAgent } from '#lib/server/edit-agent.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = loadAgent;

export const actions: Actions = { default: editAgent };
