import { fail, redirect, type RequestEvent } from '@sveltejs/kit';
import { foreignPage, portalWords, upgradeWords } from '#lib/billing/problem-words.ts';
import { isOfOrigin } from '#lib/navigation/safe-redirect.ts';
import { apiFor } from './api.ts';
import { config } from './config.ts';
import { failForm, type CodeWords } from './failures.ts';
import { readForm } from './read-form.ts';

type Billing = ReturnType<typeof apiFor>['billing'];

interface StripePage {
  /** Opens the page. It leads back to `returnTo`. */
  open(billing: Billing, options: { returnTo?: string }): Promise<{ url: string }>;
  origin: string;
  /** The setting that has the origin. */
  setting: string;
  words: CodeWords;
  foreign: string;
}

const refuseForeign = ({ origin, setting, foreign }: StripePage) => {
  console.error(`The API returned a URL at Stripe that is not of ${origin}; check ${setting}`);
  return fail(502, { problem: { message: foreign, fields: {} }, values: {} });
};

/** The action of a form that leads to a page at Stripe, and from there back to the page of the form. */
const toStripe = (page: StripePage) => async (event: RequestEvent) => {
  const { returnTo } = await readForm(event.request, ['returnTo']);
  let url: string;
  try {
    ({ url } = await page.open(apiFor(event).billing, returnTo === '' ? {} : { returnTo }));
  } catch (failure) {
    return failForm(event, failure, {}, [], page.words);
  }
  if (!isOfOrigin(url, page.origin)) return refuseForeign(page);
  redirect(303, url, { external: [page.origin] });
};

/** Redirects to Stripe's Checkout. A second click leads to the same page. */
export const upgrade = toStripe({
  open: (billing, options) => billing.startCheckout(options),
  origin: config.checkoutOrigin,
  setting: 'CHECKOUT_ORIGIN',
  words: upgradeWords,
  foreign: foreignPage.upgrade,
});

/** Redirects to Stripe's billing portal. */
export const portal = toStripe({
  open: (billing, options) => billing.openPortal(options),
  origin: config.portalOrigin,
  setting: 'PORTAL_ORIGIN',
  words: portalWords,
  foreign: foreignPage.portal,
});
