import { createDoors } from './http/doors.ts';
import { printOpenApi } from './http/openapi.ts';
import { createRoutes } from './http/routes.ts';
import { readVersion } from './version.ts';

// Prints openapi.json from the routes alone: no socket is opened.
const disabled = { database: 'disabled', redis: 'disabled', temporal: 'disabled' } as const;
const watch = { current: () => disabled };
const routes = createRoutes({ doors: createDoors(undefined), watch, version: readVersion() });
process.stdout.write(`${JSON.stringify(printOpenApi(routes, readVersion()), null, 2)}\n`);
