import type { Database } from '../../../platform/database.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import { findCustomer } from '../find-customer.ts';
import { notSubscribed } from '../not-subscribed.ts';
import { isMissing, whileUserWaits } from '../stripe-errors.ts';
import { findPortal } from './find-portal.ts';

export interface OpenPortalDeps {
  db: Database;
  stripe: Stripe;
  config: { DASHBOARD_URL: string };
}

/**
 * Opens the billing portal of the tenant's customer. Without our configuration, Stripe uses the account's default.
 * Problems: `not_subscribed`, `service_unavailable`.
 */
export const openPortal = async (
  { db, stripe, config }: OpenPortalDeps,
  tenantId: string,
  returnTo = '/billing',
): Promise<{ url: string }> => {
  const customer = await findCustomer(db, tenantId);
  if (!customer) throw notSubscribed();
  return whileUserWaits(async () => {
    const portal = await findPortal(stripe);
    try {
      const { url } = await stripe.billingPortal.sessions.create({
        customer,
        return_url: `${config.DASHBOARD_URL}${returnTo}`,
        ...(portal && { configuration: portal.id }),
      });
      return { url };
    } catch (error) {
      throw isMissing(error, 'customer') ? notSubscribed(error) : error;
    }
  });
};
