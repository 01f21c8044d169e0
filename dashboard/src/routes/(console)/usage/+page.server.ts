import { upgrade } from '#lib/server/upgrade.ts';
import type { Actions } from './$types';

export const actions: Actions = { upgrade };
