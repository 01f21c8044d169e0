import type { ReminderDays } from '@sentryagent/workflows/rules/reminders';
import { viewOf } from '@sentryagent/workflows/rules/subscription';
import { mailPayers } from '../../mail/queue-mail.ts';
import type { StripeDeps } from '../stripe-deps.ts';
import { findCustomer } from '../find-customer.ts';
import { chargeTimeOf, readSubscription } from './read-subscription.ts';

/**
 * Mails the owners once that a charge is near, if Stripe will still make it at this time. Returns whether it will.
 */
export const remindOwners = async (
  deps: StripeDeps,
  { tenantId, chargeAt, days }: { tenantId: string; chargeAt: string; days: ReminderDays },
): Promise<boolean> => {
  const reading = await readSubscription(deps, await findCustomer(deps.db, tenantId));
  const view = viewOf(reading);
  if (chargeTimeOf(reading) !== chargeAt) return false;
  const data = { at: chargeAt, isTrial: view.status === 'trial', ...reading.nextCharge };
  const key = `${view.subscriptionId}/${chargeAt}/${days}`;
  await deps.db.withTenant(tenantId, (trx) =>
    mailPayers(trx, tenantId, { kind: 'charge_reminder', key, data }),
  );
  return true;
};
