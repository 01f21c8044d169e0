export { checkout } from './checkout.ts';
export { credentialExpiry } from './credential-expiry.ts';
export { subscription } from './subscription.ts';
