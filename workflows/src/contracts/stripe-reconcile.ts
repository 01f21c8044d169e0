export interface ReconcileInput {
  /** The last subscription of the previous page. */
  after?: string | null;
  /** The figures so far. */
  compared?: number;
  drifted?: number;
}

export interface ReconciledPage {
  /** The last subscription of the page; `null` after the last page. */
  next: string | null;
  compared: number;
  /** Tenants whose row differed from Stripe. Their workflows have been started or signaled. */
  drifted: number;
}

export interface StripeReconcileActivities {
  /** Compares a page of Stripe's subscriptions with our rows and nudges the tenants that differ. */
  reconcileStripe(input: { after: string | null }): Promise<ReconciledPage>;
  /** Nudges each tenant that is paid in our rows and that Stripe has no live subscription of. Returns their number. */
  reconcilePaidTenants(): Promise<number>;
}
