import { json } from '@sveltejs/kit';
import { checkoutState } from '#lib/billing/checkout-state.ts';
import { apiFor } from '#lib/server/api.ts';
import { failScript } from '#lib/server/failures.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = async (event) => {
  const { billing } = apiFor(event);
  try {
    const checkout = await billing.checkout(event.params.checkoutId);
    // Read the tier only after the checkout has ended. Until then it does not matter.
    const isOpen = checkout.status === 'open' || checkout.status === 'processing';
    const usage = isOpen ? undefined : await billing.usage();
    return json({ state: checkoutState(checkout, usage) });
  } catch (failure) {
    return failScript(failure, [400, 401, 404]);
  }
};
