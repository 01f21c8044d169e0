import type { Usage } from '@sentryagent/sdk';
import { redirect } from '@sveltejs/kit';
import { signInPath } from '#lib/navigation/safe-redirect.ts';

/** What the tenant had used at one moment. */
export interface Reading {
  usage: Usage;
  asOf: string;
}

/** The reading of now; `null` while it can't be had, so that the page keeps the one before. */
export const takeReading = async (fetch: typeof globalThis.fetch): Promise<Reading | null> => {
  const response = await fetch('/usage/now').catch(() => null);
  if (response?.status === 401) redirect(303, signInPath('/usage'));
  return response?.ok ? ((await response.json()) as Reading) : null;
};
