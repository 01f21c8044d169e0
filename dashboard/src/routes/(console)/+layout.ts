import { takeReading } from '#lib/usage/reading.ts';
import type { LayoutLoad } from './$types';

/** The usage is in the side bar of every page. Each page and `invalidate('app:usage')` read it again. */
export const load: LayoutLoad = async ({ fetch, depends, data, url }) => {
  depends('app:usage');
  // What a load function reads of the URL makes it run again.
  void url.pathname;
  return { ...data, reading: await takeReading(fetch) };
};
