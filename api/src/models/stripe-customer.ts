import { BaseModel } from './base-model.ts';

/** Whom Stripe knows a tenant as. Unique both ways: an event's tenant is found by this alone. */
export class StripeCustomer extends BaseModel {
  static override tableName = 'stripe_customers';
  static override idColumn = 'tenant_id';

  declare tenantId: string;
  declare customerId: string;
}
