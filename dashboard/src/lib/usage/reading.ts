import type { Usage } from '@sentryagent/sdk';
import { redirect } from '@sveltejs/kit';
import { signInPath } from '#lib/navigation/safe-redirect.ts';

/** The usage of the tenant at one moment. */
export interface Reading {
  usage: Usage;
  asOf: string;
}

/** The current usage. `null`: the API is unavailable, so the page keeps the previous one. */
export const takeReading = async (fetch: typeof globalThis.fetch): Promise<Reading | null> => {
  try {
    const response = await fetch('/usage/now');
    // Always read it, because kit passes only what was read to the browser.
    const body: unknown = await response.json();
    if (response.ok) return body as Reading;
    if (response.status !== 401) return null;
  } catch {
    return null;
  }
  redirect(303, signInPath('/usage'));
};
