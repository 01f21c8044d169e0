import type { Checkout, Usage } from '@sentryagent/sdk';
import { error, redirect } from '@sveltejs/kit';
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

/** The state. If there is none, the HTTP status. 0: no response. */
const ask = async (fetch: typeof globalThis.fetch, path: string): Promise<CheckoutState | number> => {
  try {
    const response = await fetch(path);
    // Always read it, because kit passes only what was read to the browser.
    const body: unknown = await response.json();
    return response.ok ? (body as { state: CheckoutState }).state : response.status;
  } catch {
    return 0;
  }
};

/** Polls a checkout and redirects when it is paid. `away`: the API is unavailable. */
export const followCheckout = async (
  fetch: typeof globalThis.fetch,
  checkoutId: string,
): Promise<Exclude<CheckoutState, 'paid' | 'over'> | 'away'> => {
  const path = `/usage/checkouts/${encodeURIComponent(checkoutId)}`;
  const answer = await ask(fetch, `${path}/now`);
  if (answer === 401) redirect(303, signInPath(path));
  if (answer === 400 || answer === 404)
    error(404, 'This checkout does not exist. Start a new one on the Usage page.');
  if (answer === 'paid') redirect(303, '/usage?checkout=completed');
  if (answer === 'over') redirect(303, '/usage');
  return typeof answer === 'string' ? answer : 'away';
};
