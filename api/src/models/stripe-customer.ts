import { BaseModel } from './base-model.ts';

/** The Stripe customer of a tenant. Unique both ways, because only this row says which tenant an event is for. */
export class StripeCustomer extends BaseModel {
  static override tableName = 'stripe_customers';
  static override idColumn = 'tenant_id';

  declare tenantId: string;
  declare customerId: string;
}
