import { readConfig } from '../../../../api/src/config.ts';
import { createDeps } from '../../../../api/src/deps.ts';
import { createApp } from '../../../../api/src/http/app.ts';
import type { Route } from '../../../../api/src/http/route.ts';
import { agentRoutes } from '../../../../api/src/http/routes/agents.ts';
import { createHttpServer } from '../../../../api/src/http/server.ts';
import { createLogger } from '../../../../api/src/platform/logger.ts';

/** `GET /agents/:agentId` without the token check, limits and metering. The arguments are ids: `<agent>=<tenant>`. */
const tenants = new Map(process.argv.slice(2).map((pair) => pair.split('=') as [string, string]));
const config = readConfig();
const deps = await createDeps(config, createLogger(config.LOG_LEVEL));

const route = agentRoutes.find(({ operationId }) => operationId === 'getAgent')!;
const bare: Route = {
  ...route,
  access: 'public',
  handle: (given, request) => {
    const tenantId = tenants.get((request.params as { agentId: string }).agentId) ?? '';
    return route.handle(given, request, { tenantId, kind: 'member', id: '', scopes: [] });
  },
};
const { params: _params, ...shape } = bare;
const health: Route = { ...shape, path: '/health', handle: async () => ({ status: 200, json: '{}' }) };
const { server } = createHttpServer(createApp(deps, [bare, health]), config.HTTP_KEEP_ALIVE_MS);
server.listen(config.API_PORT, config.API_HOST);
