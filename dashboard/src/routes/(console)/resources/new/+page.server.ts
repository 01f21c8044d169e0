import { createResource } from '#lib/server/resources.ts';
import type { Actions } from './$types';

export const actions: Actions = { default: createResource };
