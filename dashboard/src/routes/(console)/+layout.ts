import { takeFirst } from '#lib/usage/first-report.ts';
import { needsNow } from '#lib/usage/reading.ts';
import { readUsage } from '#lib/usage/recent-reading.ts';
import type { LayoutLoad } from './$types';

/** The usage is in the side bar of every page. */
export const load: LayoutLoad = async ({ fetch, depends, data, url }) => {
  depends('app:usage');
  // Read here, because kit loads again only what has read the URL before.
  const isNow = needsNow(url);
  const first = takeFirst(data.first);
  return { ...data, first, reading: await readUsage(fetch, isNow, first?.reading) };
};
