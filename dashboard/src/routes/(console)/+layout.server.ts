import { config } from '#lib/server/config.ts';
import { readFirstReport } from '#lib/server/first-report.ts';
import { requireSession } from '#lib/server/session.ts';
import { version } from '#lib/server/version.ts';
import type { LayoutServerLoad } from './$types';

/** The only check that a user is signed in, for all pages of the console. */
export const load: LayoutServerLoad = async (event) => {
  const [session, first] = await Promise.all([requireSession(event), readFirstReport(event)]);
  return { session, mayChange: session.role !== 'member', apiUrl: config.publicApiUrl, version, first };
};
