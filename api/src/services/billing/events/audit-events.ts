import type { Clock } from '../../../platform/clock.ts';
import type { Database } from '../../../platform/database.ts';
import { derivedId } from '../../../platform/ids.ts';
import { appendAuditOnce } from '../../audit/append-audit.ts';
import { backgroundAct, succeeded, type AuditEntry } from '../../audit/entry.ts';
import { AUDITED } from './event-types.ts';
import { finishEvents, type Claimed } from './inbox.ts';

const isAudited = ({ type }: Claimed): boolean => (AUDITED as string[]).includes(type);

const entryOf = (tenantId: string, event: Claimed, at: Date): AuditEntry => {
  const { event_id: eventId, type, object_id: objectId, amount, currency } = event;
  const isRefund = type === 'charge.refunded';
  return succeeded(backgroundAct({ tenantId, kind: 'system', id: 'stripe' }, eventId, at), {
    action: isRefund ? 'invoice.refunded' : 'invoice.disputed',
    agentId: null,
    eventId: derivedId('evt', eventId),
    metadata: {
      ...{ type, objectId, currency },
      // The event of each partial refund has the sum of all until then.
      ...(isRefund ? { totalRefunded: amount } : { amount }),
      chargeId: event.charge_id,
      paymentIntentId: event.payment_intent_id,
    },
  });
};

/**
 * Finishes a tenant's events. Refunds and disputes become audit entries in the same transaction. An event whose row was
 * deleted in the meantime, and that was then stored again, has its entry already.
 */
export const auditEvents = (
  { db, clock }: { db: Database; clock: Clock },
  tenantId: string,
  events: readonly Claimed[],
): Promise<void> =>
  db.withTenant(tenantId, async (trx) => {
    const finished = await finishEvents(trx, events);
    for (const event of events) {
      if (isAudited(event) && finished.has(event.event_id))
        await appendAuditOnce(trx, entryOf(tenantId, event, clock()));
    }
  });
