export { checkout } from './checkout.ts';
export { subscription } from './subscription.ts';
