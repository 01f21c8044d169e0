import { requireSession } from '#lib/server/session.ts';
import type { LayoutServerLoad } from './$types';

/** The one gate of the console. */
export const load: LayoutServerLoad = async (event) => ({ session: await requireSession(event) });
