import { readUsage } from '#lib/usage/recent-reading.ts';
import type { LayoutLoad } from './$types';

/** The usage is in the side bar of every page. */
export const load: LayoutLoad = async ({ fetch, depends, data, url }) => {
  depends('app:usage');
  return { ...data, reading: await readUsage(fetch, url.pathname) };
};
