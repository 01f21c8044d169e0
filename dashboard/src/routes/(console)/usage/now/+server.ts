import { ApiError } from '@sentryagent/sdk';
import { json } from '@sveltejs/kit';
import { apiFor } from '#lib/server/api.ts';
import type { Reading } from '#lib/usage/reading.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = async (event) => {
  try {
    const reading: Reading = { usage: await apiFor(event).billing.usage(), asOf: new Date().toISOString() };
    return json(reading);
  } catch (failure) {
    if (!(failure instanceof ApiError)) throw failure;
    return json({ code: failure.code }, { status: failure.status === 401 ? 401 : 503 });
  }
};
