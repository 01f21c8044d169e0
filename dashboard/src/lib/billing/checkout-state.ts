import type { Checkout, Usage } from '@sentryagent/sdk';
import { error, redirect } from '@sveltejs/kit';
import { ask } from '#lib/navigation/ask.ts';
import { safeRedirect, signInPath } from '#lib/navigation/safe-redirect.ts';

/** The state of a checkout, for a user who returns from Stripe. `over`: its subscription has ended. */
export type CheckoutState = 'confirming' | 'processing' | 'paid' | 'failed' | 'expired' | 'over';

/** Paid only if the tenant's tier is, because a checkout completes slightly earlier. */
export const checkoutState = (
  { status }: Pick<Checkout, 'status'>,
  usage: Pick<Usage, 'tier' | 'status'> | undefined,
): CheckoutState => {
  if (status === 'processing') return 'processing';
  if (status === 'open' || !usage) return 'confirming';
  if (usage.tier === 'paid') return 'paid';
  if (status === 'expired' || status === 'failed') return status;
  return usage.status === 'active' ? 'confirming' : 'over';
};

/** The page that the checkout was started on, which says that it is paid. */
const paidPath = (returnTo: string): string => {
  const url = new URL(returnTo, 'http://dashboard.invalid');
  url.searchParams.set('checkout', 'completed');
  return url.pathname + url.search + url.hash;
};

/** Polls a checkout and redirects when it is paid. `away`: the API is unavailable. */
export const followCheckout = async (
  fetch: typeof globalThis.fetch,
  checkoutId: string,
  { search, searchParams }: Pick<URL, 'search' | 'searchParams'>,
): Promise<Exclude<CheckoutState, 'paid' | 'over'> | 'away'> => {
  const path = `/usage/checkouts/${encodeURIComponent(checkoutId)}`;
  const returnTo = safeRedirect(searchParams.get('returnTo'), '/usage');
  const answer = await ask(fetch, `${path}/now`);
  const status = answer?.status ?? 0;
  if (status === 401) redirect(303, signInPath(path + search));
  if (status === 400 || status === 404)
    error(404, 'This checkout does not exist. Start a new one on the Billing page.');
  if (status !== 200) return 'away';
  const { state } = answer?.body as { state: CheckoutState };
  if (state === 'paid') redirect(303, paidPath(returnTo));
  if (state === 'over') redirect(303, '/billing');
  return state;
};
