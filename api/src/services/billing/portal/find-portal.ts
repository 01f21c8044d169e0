import type { Stripe } from '../../../platform/stripe.ts';

export const PORTAL_MARK = 'portal';

/** Pages through all of them, because our mark is in the metadata and Stripe's search index is updated late. */
export const findMarked = async <T extends { metadata: Stripe.Metadata | null }>(
  list: AsyncIterable<T>,
  mark: string,
): Promise<T | undefined> => {
  for await (const item of list) if (item.metadata?.sentryagent === mark) return item;
  return undefined;
};

/** The portal configuration that `npm run stripe:setup` has created. */
export const findPortal = (stripe: Stripe): Promise<Stripe.BillingPortal.Configuration | undefined> =>
  findMarked(stripe.billingPortal.configurations.list({ active: true, limit: 100 }), PORTAL_MARK);
