import { createAttemptLimits } from './http/attempt-limits.ts';
import { printOpenApi } from './http/openapi.ts';
import { createRoutes } from './http/routes/routes.ts';
import { readVersion } from './version.ts';

// Prints openapi.json from the routes. Opens no socket.
const disabled = { database: 'disabled', redis: 'disabled', temporal: 'disabled' } as const;
const routes = createRoutes({
  attemptLimits: createAttemptLimits(undefined, { SIGN_UP_MAX_PER_MINUTE: 60 }),
  watch: { current: () => disabled },
  probes: () => Promise.reject(new Error('nothing is probed')),
  version: readVersion(),
});
process.stdout.write(`${JSON.stringify(printOpenApi(routes, readVersion()), null, 2)}\n`);
