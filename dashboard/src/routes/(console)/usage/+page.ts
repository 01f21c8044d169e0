import { takeReading } from '#lib/usage/reading.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, depends }) => {
  depends('app:usage');
  return { reading: await takeReading(fetch) };
};
