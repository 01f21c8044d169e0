import type { SubscriptionStatus } from '@sentryagent/workflows/rules/subscription';
import type { TierId } from '@sentryagent/workflows/rules/tiers';
import { BaseModel } from './base-model.ts';

/** One row per tenant, from its founding on; also the row that the tenant's limits are checked under. */
export class TenantSubscription extends BaseModel {
  static override tableName = 'tenant_subscriptions';
  static override idColumn = 'tenant_id';

  declare tenantId: string;
  declare tier: TierId;
  declare status: SubscriptionStatus;
  declare periodStart: Date | null;
  declare periodEnd: Date | null;
  declare renewsAt: Date | null;
  declare endsAt: Date | null;
  /** Stripe's, of the subscription that the rest is from. */
  declare subscriptionId: string | null;
  /** The number of the look at Stripe that this row is from. */
  declare reading: number;
}
