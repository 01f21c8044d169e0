import { json } from '@sveltejs/kit';
import { apiFor } from '#lib/server/api.ts';
import { failScript } from '#lib/server/failures.ts';
import type { Reading } from '#lib/usage/reading.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = async (event) => {
  try {
    const reading: Reading = { usage: await apiFor(event).billing.usage(), asOf: new Date().toISOString() };
    return json(reading);
  } catch (failure) {
    return failScript(failure, [401]);
  }
};
