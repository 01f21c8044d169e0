import type { SubscriptionStatus } from '@sentryagent/workflows/rules/subscription';
import type { TierId } from '@sentryagent/workflows/rules/tiers';
import { BaseModel } from './base-model.ts';

/** One row per tenant, created with it. Lock it to check the tenant's limits. */
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
  declare graceEndsAt: Date | null;
  declare isCancelling: boolean;
  /** The amount and currency of the next charge, in the currency's minor unit. */
  declare nextAmount: number | null;
  declare nextCurrency: string | null;
  declare cardBrand: string | null;
  declare cardLast4: string | null;
  declare cardExpMonth: number | null;
  declare cardExpYear: number | null;
  /** The Stripe subscription that the other columns are from. */
  declare subscriptionId: string | null;
  /** The sequence number of the read from Stripe that this row is from. */
  declare reading: number;
}
