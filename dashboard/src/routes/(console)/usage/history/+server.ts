import { json } from '@sveltejs/kit';
import { failScript } from '#lib/server/failures.ts';
import { readHistory } from '#lib/server/usage-history.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = async (event) => {
  try {
    return json(await readHistory(event));
  } catch (failure) {
    return failScript(failure, [400, 401]);
  }
};
