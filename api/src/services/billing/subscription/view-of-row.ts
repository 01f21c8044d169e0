import type { SubscriptionView } from '@sentryagent/workflows/rules/subscription';
import type { TenantSubscription } from '../../../models/tenant-subscription.ts';

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/** The view that a row stores. */
export const viewOfRow = (row: TenantSubscription): SubscriptionView => ({
  tier: row.tier,
  status: row.status,
  subscriptionId: row.subscriptionId,
  periodStart: iso(row.periodStart),
  periodEnd: iso(row.periodEnd),
  renewsAt: iso(row.renewsAt),
  endsAt: iso(row.endsAt),
  graceEndsAt: iso(row.graceEndsAt),
  isCancelling: row.isCancelling,
});
