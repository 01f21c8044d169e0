import { json } from '@sveltejs/kit';
import { checkoutState } from '#lib/billing/checkout-state.ts';
import { apiFor } from '#lib/server/api.ts';
import { failScript } from '#lib/server/failures.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = async (event) => {
  const { billing } = apiFor(event);
  try {
    const answers = await Promise.all([billing.checkout(event.params.checkoutId), billing.usage()]);
    return json({ state: checkoutState(...answers) });
  } catch (failure) {
    return failScript(failure, [400, 401, 404]);
  }
};
