import type { HealthWatch } from '../services/watch-health.ts';
import type { Doors } from './doors.ts';
import { openApiRoute, printOpenApi } from './openapi.ts';
import type { Route } from './route.ts';
import { agentRoutes } from './routes/agents.ts';
import { billingRoutes } from './routes/billing.ts';
import { credentialRoutes } from './routes/credentials.ts';
import { checkoutRoutes } from './routes/checkout.ts';
import { healthRoute } from './routes/health.ts';
import { peopleRoutes } from './routes/people.ts';
import { tokenRoutes } from './routes/token.ts';

export interface RoutesDeps {
  doors: Doors;
  watch: Pick<HealthWatch, 'current'>;
  version: string;
}

/** Every route of the API, the document of all of them last. */
export const createRoutes = ({ doors, watch, version }: RoutesDeps): Route[] => {
  const routes: Route[] = [
    ...tokenRoutes(doors),
    ...agentRoutes,
    ...credentialRoutes,
    ...billingRoutes,
    ...checkoutRoutes,
    ...peopleRoutes(doors),
    healthRoute(watch, version),
    openApiRoute(() => document),
  ];
  const document = printOpenApi(routes, version);
  return routes;
};
