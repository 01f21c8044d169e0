import { loadAgents } from '#lib/server/agent-list.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = loadAgents;
