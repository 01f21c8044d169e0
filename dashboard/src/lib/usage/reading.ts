import type { Usage } from '@sentryagent/sdk';
import { redirect } from '@sveltejs/kit';
import { ask } from '#lib/navigation/ask.ts';
import { signInPath } from '#lib/navigation/safe-redirect.ts';

/** The usage of the tenant at one moment. */
export interface Reading {
  usage: Usage;
  asOf: string;
}

/** Pages that show the usage or the plan themselves. */
const shown: readonly string[] = ['/usage', '/billing'];

/** Whether the page needs the usage of now. After a checkout, every page says what has become of it. */
export const needsNow = ({ pathname, searchParams }: Pick<URL, 'pathname' | 'searchParams'>): boolean =>
  shown.includes(pathname) || searchParams.has('checkout');

/** The current usage. `null`: the API is unavailable, so the page keeps the previous one. */
export const takeReading = async (fetch: typeof globalThis.fetch): Promise<Reading | null> => {
  const answer = await ask(fetch, '/usage/now');
  if (answer?.status === 401) redirect(303, signInPath('/usage'));
  return answer?.status === 200 ? (answer.body as Reading) : null;
};
