import type { Checkout, Usage } from '@sentryagent/sdk';
import { error, redirect } from '@sveltejs/kit';
import { ask } from '#lib/navigation/ask.ts';
import { signInPath } from '#lib/navigation/safe-redirect.ts';

/** The state of a checkout, for a user who returns from Stripe. `over`: its subscription has ended. */
export type CheckoutState = 'confirming' | 'paid' | 'expired' | 'over';

/** Paid only if the tenant's tier is, because a checkout completes slightly earlier. */
export const checkoutState = (
  { status }: Pick<Checkout, 'status'>,
  usage: Pick<Usage, 'tier' | 'status'> | undefined,
): CheckoutState => {
  if (status === 'open' || !usage) return 'confirming';
  if (usage.tier === 'paid') return 'paid';
  if (status === 'expired') return 'expired';
  return usage.status === 'cancelled' ? 'over' : 'confirming';
};

/** Polls a checkout and redirects when it is paid. `away`: the API is unavailable. */
export const followCheckout = async (
  fetch: typeof globalThis.fetch,
  checkoutId: string,
): Promise<Exclude<CheckoutState, 'paid' | 'over'> | 'away'> => {
  const path = `/usage/checkouts/${encodeURIComponent(checkoutId)}`;
  const answer = await ask(fetch, `${path}/now`);
  const status = answer?.status ?? 0;
  if (status === 401) redirect(303, signInPath(path));
  if (status === 400 || status === 404)
    error(404, 'This checkout does not exist. Start a new one on the Usage page.');
  if (status !== 200) return 'away';
  const { state } = answer?.body as { state: CheckoutState };
  if (state === 'paid') redirect(303, '/usage?checkout=completed');
  if (state === 'over') redirect(303, '/usage');
  return state;
};
