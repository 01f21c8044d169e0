import { takeReading } from '#lib/usage/reading.ts';
import type { LayoutLoad } from './$types';

/** The usage is in the side bar of every page. `invalidate('app:usage')` reads it again. */
export const load: LayoutLoad = async ({ fetch, depends, data }) => {
  depends('app:usage');
  return { ...data, reading: await takeReading(fetch) };
};
