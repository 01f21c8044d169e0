import type { Checkout, Usage } from '@sentryagent/sdk';
import { error, redirect } from '@sveltejs/kit';
import { signInPath } from '#lib/navigation/safe-redirect.ts';

/** How a checkout stands for the person who came back from it; `over`: its subscription has ended since. */
export type CheckoutState = 'confirming' | 'paid' | 'expired' | 'over';

/** Only the tenant's tier tells that it is paid: a checkout is completed a little earlier. */
export const checkoutState = (
  { status }: Pick<Checkout, 'status'>,
  usage: Pick<Usage, 'tier' | 'status'> | undefined,
): CheckoutState => {
  if (status === 'open' || !usage) return 'confirming';
  if (usage.tier === 'paid') return 'paid';
  if (status === 'expired') return 'expired';
  return usage.status === 'cancelled' ? 'over' : 'confirming';
};

/** The state, or the status where there is none; 0 where no answer came. */
const ask = async (fetch: typeof globalThis.fetch, path: string): Promise<CheckoutState | number> => {
  try {
    const response = await fetch(path);
    // Read in any case: kit hands on to the browser only what was read.
    const body: unknown = await response.json();
    return response.ok ? (body as { state: CheckoutState }).state : response.status;
  } catch {
    return 0;
  }
};

/** Asks how a checkout stands and leads on once it is paid; `away` while that can't be told. */
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
