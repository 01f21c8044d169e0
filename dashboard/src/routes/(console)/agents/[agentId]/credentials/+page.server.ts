import { addKey, endOverlap, revokeCredential } from '#lib/server/agent-credentials.ts';
import { loadCredentials } from '#lib/server/agent-page.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = loadCredentials;

export const actions: Actions = { addKey, endOverlap, revoke: revokeCredential };
