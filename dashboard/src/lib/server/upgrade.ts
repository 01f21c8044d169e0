import { fail, redirect, type RequestEvent } from '@sveltejs/kit';
import { foreignCheckout, upgradeWords } from '#lib/billing/upgrade-words.ts';
import { isOfOrigin } from '#lib/navigation/safe-redirect.ts';
import { apiFor } from './api.ts';
import { config } from './config.ts';
import { failForm } from './failures.ts';

const foreignPage = () => {
  console.error(
    `The API returned a checkout URL that is not of ${config.checkoutOrigin}; check CHECKOUT_ORIGIN`,
  );
  return fail(502, { problem: { message: foreignCheckout, fields: {} }, values: {} });
};

/** Redirects to Stripe's Checkout. A second click leads to the same page. */
export const upgrade = async (event: RequestEvent) => {
  let url: string;
  try {
    ({ url } = await apiFor(event).billing.startCheckout());
  } catch (failure) {
    return failForm(event, failure, {}, [], upgradeWords);
  }
  if (!isOfOrigin(url, config.checkoutOrigin)) return foreignPage();
  redirect(303, url, { external: [config.checkoutOrigin] });
};
