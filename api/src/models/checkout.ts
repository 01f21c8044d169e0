import { BaseModel } from './base-model.ts';

export const checkoutStatuses = ['open', 'completed', 'expired'] as const;

export type CheckoutStatus = (typeof checkoutStatuses)[number];

/** One attempt to subscribe. A tenant has at most one open checkout. */
export class Checkout extends BaseModel {
  static override tableName = 'checkouts';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  declare status: CheckoutStatus;
  /** The Stripe session, once it exists. */
  declare sessionId: string | null;
  declare createdBy: string;
  declare createdAt: Date;
  declare expiresAt: Date | null;
  declare closedAt: Date | null;
}
