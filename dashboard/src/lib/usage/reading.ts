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
  try {
    const response = await fetch('/usage/now');
    // Read in any case: kit hands on to the browser only what was read.
    const body: unknown = await response.json();
    if (response.ok) return body as Reading;
    if (response.status !== 401) return null;
  } catch {
    return null;
  }
  redirect(303, signInPath('/usage'));
};
