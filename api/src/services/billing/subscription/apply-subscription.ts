import {
  viewOf,
  type SubscriptionReading,
  type SubscriptionView,
} from '@sentryagent/workflows/rules/subscription';
import { StripeCustomer } from '../../../models/stripe-customer.ts';
import { TenantSubscription } from '../../../models/tenant-subscription.ts';
import type { Database, Transaction } from '../../../platform/database.ts';
import { appendAudit } from '../../audit/append-audit.ts';
import { backgroundAct, succeeded } from '../../audit/entry.ts';
import { mailPayers } from '../../mail/queue-mail.ts';
import type { StripeDeps } from '../stripe-deps.ts';
import { readSubscription, type FullReading } from './read-subscription.ts';
import { mailsAbout } from './subscription-mails.ts';
import { viewOfRow } from './view-of-row.ts';

/** Takes the number before the read, so a read with a higher number has a later state. */
const beginReading = (db: Database, tenantId: string) =>
  db.withTenant(tenantId, async (trx) => {
    const { rows } = await trx.raw<{ rows: { number: number }[] }>(
      `select nextval('stripe_readings') as number`,
    );
    const customer = await StripeCustomer.query(trx).findById(tenantId);
    return { number: rows[0]!.number, customerId: customer?.customerId };
  });

const dateOf = (instant: string | null): Date | null => (instant === null ? null : new Date(instant));

const columnsOf = (view: SubscriptionView, { card, nextCharge }: FullReading) => ({
  tier: view.tier,
  status: view.status,
  subscriptionId: view.subscriptionId,
  periodStart: dateOf(view.periodStart),
  periodEnd: dateOf(view.periodEnd),
  renewsAt: dateOf(view.renewsAt),
  endsAt: dateOf(view.endsAt),
  graceEndsAt: dateOf(view.graceEndsAt),
  isCancelling: view.isCancelling,
  nextAmount: nextCharge?.amount ?? null,
  nextCurrency: nextCharge?.currency ?? null,
  cardBrand: card?.brand ?? null,
  cardLast4: card?.last4 ?? null,
  cardExpMonth: card?.expMonth ?? null,
  cardExpYear: card?.expYear ?? null,
});

/** Writes the row, the mails about what has changed, and the audit entry, all or nothing. */
const write = async (
  trx: Transaction,
  { tenantId, number, at }: { tenantId: string; number: number; at: Date },
  reading: FullReading,
): Promise<void> => {
  const row = await TenantSubscription.query(trx).findById(tenantId).forUpdate().throwIfNotFound();
  if (row.reading >= number) return;
  const [before, view] = [viewOfRow(row), viewOf(reading)];
  await TenantSubscription.query(trx)
    .findById(tenantId)
    .patch({ ...columnsOf(view, reading), reading: number });
  for (const mail of mailsAbout(before, view, reading)) await mailPayers(trx, tenantId, mail);
  if (JSON.stringify(before) === JSON.stringify({ ...before, ...view })) return;
  const actor = { tenantId, kind: 'system', id: 'subscription' } as const;
  const act = backgroundAct(actor, `subscription/${tenantId}`, at);
  const { tier, status, subscriptionId } = view;
  const metadata = { tier, status, subscriptionId };
  await appendAudit(trx, succeeded(act, { action: 'subscription.updated', agentId: null, metadata }));
};

/**
 * Reads the tenant's subscription from Stripe and updates our row. If a read with a higher number was written first,
 * writes nothing. Returns no card and no amount, because a workflow's history stores the result.
 */
export const applySubscription = async (deps: StripeDeps, tenantId: string): Promise<SubscriptionReading> => {
  const { number, customerId } = await beginReading(deps.db, tenantId);
  const reading = await readSubscription(deps, customerId);
  await deps.db.withTenant(tenantId, (trx) => write(trx, { tenantId, number, at: deps.clock() }, reading));
  const { subscription, stripeNow } = reading;
  return { subscription, stripeNow };
};
