import { takeHistory } from '#lib/usage/history.ts';
import { rangeOf, spanOf } from '#lib/usage/range.ts';
import type { PageLoad } from './$types';

/** It depends on the layout's reading, so `refreshUsage` reads the history again too. */
export const load: PageLoad = async ({ fetch, parent, url, data }) => {
  const range = rangeOf(url.searchParams.get('range'));
  const { reading, first } = await parent();
  const read = first?.range === range ? first.history : undefined;
  const history = read ?? (reading && (await takeHistory(fetch, spanOf(range, reading.usage))));
  return { ...data, range, history };
};
