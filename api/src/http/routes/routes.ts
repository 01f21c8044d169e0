import { toDocument } from '../documents.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { openApiRoute, printOpenApi } from '../openapi.ts';
import type { Route } from '../route.ts';
import { agentRoutes } from './agents.ts';
import { authorizationRoute } from './authorization.ts';
import { billingRoutes } from './billing.ts';
import { credentialRoutes } from './credentials.ts';
import { checkoutRoutes } from './checkout.ts';
import { discoveryRoutes } from './discovery.ts';
import { emailRoutes } from './email-addresses.ts';
import { healthRoutes, type ApiHealth, type ApiProbes } from './health.ts';
import { introspectionRoutes } from './introspection.ts';
import { invoiceRoutes } from './invoices.ts';
import { keyRoutes } from './agent-keys.ts';
import { passwordRoutes } from './passwords.ts';
import { peopleRoutes } from './people.ts';
import { resourceRoutes } from './resources.ts';
import { revocationRoutes } from './revocation.ts';
import { sessionRoutes } from './sessions.ts';
import { subscriptionRoutes } from './subscription.ts';
import { tenantRoutes } from './tenant.ts';
import { tokenRoutes } from './token.ts';
import { twoFactorRoutes } from './two-factor.ts';
import { webhookRoute } from './webhook.ts';

export interface RoutesDeps {
  attemptLimits: AttemptLimits;
  watch: ApiHealth;
  probes: ApiProbes;
  version: string;
}

/** Every route of the API. The last one serves the OpenAPI document of all routes. */
export const createRoutes = ({ attemptLimits, watch, probes, version }: RoutesDeps): Route[] => {
  const routes: Route[] = [
    ...tokenRoutes(attemptLimits),
    authorizationRoute,
    ...introspectionRoutes(attemptLimits),
    ...revocationRoutes(attemptLimits),
    ...discoveryRoutes,
    ...agentRoutes,
    ...credentialRoutes,
    ...keyRoutes,
    ...resourceRoutes,
    ...billingRoutes,
    ...checkoutRoutes,
    ...subscriptionRoutes,
    ...invoiceRoutes,
    webhookRoute,
    ...peopleRoutes(attemptLimits),
    ...emailRoutes(attemptLimits),
    ...twoFactorRoutes(attemptLimits),
    ...sessionRoutes,
    ...passwordRoutes(attemptLimits),
    ...tenantRoutes(attemptLimits),
    ...healthRoutes(watch, probes, version),
    openApiRoute(() => document),
  ];
  const document = toDocument(printOpenApi(routes, version));
  return routes;
};
