import type { Database } from '../../../platform/database.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import { isMissing } from '../stripe-errors.ts';
import { idOf } from '../stripe-values.ts';
import { CLOCK_READY, DISPUTES } from './event-types.ts';
import { findTenants, type Claimed } from './inbox.ts';

const customerOfCharge = async (stripe: Stripe, id: string): Promise<string | null> => {
  try {
    return idOf((await stripe.charges.retrieve(id)).customer);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
};

/** A test clock has few customers. */
const customersOfClock = async (stripe: Stripe, clock: string): Promise<string[]> => {
  try {
    return (await stripe.customers.list({ test_clock: clock, limit: 100 })).data.map(({ id }) => id);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
};

/**
 * The tenants of an event whose customer our mapping does not have. A dispute belongs to the customer of its charge,
 * and a test clock to its customers. `undefined`: a customer is named that is none of ours.
 */
export const tenantsBehind = async (
  { db, stripe }: { db: Database; stripe: Stripe },
  { type, customer_id: customer, object_id: object, charge_id: charge }: Claimed,
): Promise<string[] | undefined> => {
  if (customer !== null) return undefined;
  if (type === CLOCK_READY && object !== null) {
    return [...(await findTenants(db, await customersOfClock(stripe, object))).values()];
  }
  if (!DISPUTES.includes(type)) return [];
  const payer = charge === null ? null : await customerOfCharge(stripe, charge);
  if (payer === null) return undefined;
  const tenant = (await findTenants(db, [payer])).get(payer);
  return tenant === undefined ? undefined : [tenant];
};
