import { toDocument } from './documents.ts';
import type { AttemptLimits } from './attempt-limits.ts';
import { openApiRoute, printOpenApi } from './openapi.ts';
import type { Route } from './route.ts';
import { agentRoutes } from './routes/agents.ts';
import { authorizationRoute } from './routes/authorization.ts';
import { billingRoutes } from './routes/billing.ts';
import { credentialRoutes } from './routes/credentials.ts';
import { checkoutRoutes } from './routes/checkout.ts';
import { discoveryRoutes } from './routes/discovery.ts';
import { emailVerificationRoutes } from './routes/email-verification.ts';
import { healthRoute } from './routes/health.ts';
import type { ApiHealth } from './routes/health.ts';
import { introspectionRoutes } from './routes/introspection.ts';
import { keyRoutes } from './routes/keys.ts';
import { peopleRoutes } from './routes/people.ts';
import { resourceRoutes } from './routes/resources.ts';
import { revocationRoutes } from './routes/revocation.ts';
import { tokenRoutes } from './routes/token.ts';
import { webhookRoute } from './routes/webhook.ts';

export interface RoutesDeps {
  attemptLimits: AttemptLimits;
  watch: ApiHealth;
  version: string;
}

/** Every route of the API. The last one serves the OpenAPI document of all routes. */
export const createRoutes = ({ attemptLimits, watch, version }: RoutesDeps): Route[] => {
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
    webhookRoute,
    ...peopleRoutes(attemptLimits),
    ...emailVerificationRoutes(attemptLimits),
    healthRoute(watch, version),
    openApiRoute(() => document),
  ];
  const document = toDocument(printOpenApi(routes, version));
  return routes;
};
