import { toDocument } from './documents.ts';
import type { Doors } from './doors.ts';
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
  doors: Doors;
  watch: ApiHealth;
  version: string;
}

/** Every route of the API, the document of all of them last. */
export const createRoutes = ({ doors, watch, version }: RoutesDeps): Route[] => {
  const routes: Route[] = [
    ...tokenRoutes(doors),
    authorizationRoute,
    ...introspectionRoutes(doors),
    ...revocationRoutes(doors),
    ...discoveryRoutes,
    ...agentRoutes,
    ...credentialRoutes,
    ...keyRoutes,
    ...resourceRoutes,
    ...billingRoutes,
    ...checkoutRoutes,
    webhookRoute,
    ...peopleRoutes(doors),
    ...emailVerificationRoutes(doors),
    healthRoute(watch, version),
    openApiRoute(() => document),
  ];
  const document = toDocument(printOpenApi(routes, version));
  return routes;
};
