import { BaseModel } from './base-model.ts';

export const checkoutStatuses = ['open', 'processing', 'completed', 'failed', 'expired'] as const;

export type CheckoutStatus = (typeof checkoutStatuses)[number];

/** The customer can still pay, or the bank settles the payment later. */
export const unfinished: readonly CheckoutStatus[] = ['open', 'processing'];

/** One attempt to subscribe. A tenant has at most one that is open or processing. */
export class Checkout extends BaseModel {
  static override tableName = 'checkouts';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  declare status: CheckoutStatus;
  /** The Stripe session, once it exists. */
  declare sessionId: string | null;
  /** The page of the dashboard to return to. */
  declare returnTo: string | null;
  declare createdBy: string;
  declare createdAt: Date;
  declare expiresAt: Date | null;
  declare closedAt: Date | null;
}
