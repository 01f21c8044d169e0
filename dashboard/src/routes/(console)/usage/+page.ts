import { takeHistory } from '#lib/usage/history.ts';
import { rangeOf, spanOf } from '#lib/usage/range.ts';
import type { PageLoad } from './$types';

/** It depends on the layout's reading, so `refreshUsage` reads the history again too. */
export const load: PageLoad = async ({ fetch, parent, url, data }) => {
  const range = rangeOf(url.searchParams.get('range'));
  const { reading } = await parent();
  return { ...data, range, history: reading && (await takeHistory(fetch, spanOf(range, reading.usage))) };
};
