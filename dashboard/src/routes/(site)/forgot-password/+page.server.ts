import { requestReset } from '#lib/server/mailed-links.ts';
import type { Actions } from './$types';

export const actions: Actions = { default: requestReset };
