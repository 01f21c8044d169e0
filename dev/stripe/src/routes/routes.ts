import { charges } from './charges.ts';
import { checkoutSessions } from './checkout-sessions.ts';
import { customers } from './customers.ts';
import { events } from './events.ts';
import { invoices } from './invoices.ts';
import { paymentMethods } from './payment-methods.ts';
import { portalConfigurations } from './portal-configurations.ts';
import { portalSessions } from './portal-sessions.ts';
import { prices } from './prices.ts';
import { products } from './products.ts';
import type { Route } from './route.ts';
import { subscriptions } from './subscriptions.ts';
import { testClocks } from './test-clocks.ts';
import { webhookEndpoints } from './webhook-endpoints.ts';

const routes: Route[] = [
  ...products,
  ...prices,
  ...customers,
  ...checkoutSessions,
  ...subscriptions,
  ...invoices,
  ...events,
  ...webhookEndpoints,
  ...portalConfigurations,
  ...portalSessions,
  ...paymentMethods,
  ...charges,
  ...testClocks,
];

const table = routes.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replace(/\{\w+\}/g, '([^/]+)')}$`),
}));

/** The operation of this request, and the id in its path. */
export const findRoute = (method: string, path: string): { route: Route; id: string } | undefined => {
  for (const { route, pattern } of table) {
    const match = route.method === method ? pattern.exec(path) : null;
    if (match) return { route, id: match[1] ?? '' };
  }
  return undefined;
};
