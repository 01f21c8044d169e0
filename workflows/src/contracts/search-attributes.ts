/** Registered in the namespace at each start of a worker. */
export const searchAttributes = {
  tenantId: { name: 'TenantId', type: 'KEYWORD' },
  tier: { name: 'Tier', type: 'KEYWORD' },
  subscriptionStatus: { name: 'SubscriptionStatus', type: 'KEYWORD' },
  renewsAt: { name: 'RenewsAt', type: 'DATETIME' },
  checkoutStatus: { name: 'CheckoutStatus', type: 'KEYWORD' },
} as const;
