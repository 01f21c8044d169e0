export { checkout } from './checkout.ts';
export { credentialExpiry } from './credential-expiry.ts';
export { dailyQuotaReset } from './daily-quota-reset.ts';
export { housekeeping } from './housekeeping.ts';
export { keyRotation } from './key-rotation.ts';
export { renewalReminder } from './renewal-reminder.ts';
export { stripeReconcile } from './stripe-reconcile.ts';
export { subscription } from './subscription.ts';
