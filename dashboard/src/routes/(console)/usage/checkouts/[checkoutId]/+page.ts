import { followCheckout } from '#lib/billing/checkout-state.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url, depends }) => {
  depends('app:checkout');
  return { state: await followCheckout(fetch, params.checkoutId, url) };
};
