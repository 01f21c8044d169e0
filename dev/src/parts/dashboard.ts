import { join } from 'node:path';
import { buildDashboard } from '../dashboard-build.ts';
import type { Part } from '../part.ts';
import { answers, waitFor } from '../wait-for.ts';

export const dashboard: Part = {
  name: 'dashboard',
  async start({ config, children, found, progress, watch }) {
    const { dashboardHost: host, dashboardPort, root } = config;
    const port = String(dashboardPort);
    const built = !watch && (await buildDashboard(config, children, (text) => progress.detail(text)));
    const vite = [
      join(root, 'node_modules/vite/bin/vite.js'),
      'dev',
      '--host',
      host,
      '--port',
      port,
      '--strictPort',
    ];
    children.serve({
      name: 'dashboard',
      argv: [process.execPath, ...(watch ? vite : ['build'])],
      cwd: join(root, 'dashboard'),
      env: {
        HOST: host,
        PORT: port,
        ORIGIN: config.dashboardUrl,
        API_URL: config.apiUrl,
        PUBLIC_API_URL: config.publicUrl,
        // The stand-in's pages.
        CHECKOUT_ORIGIN: found.stripeUrl,
        PORTAL_ORIGIN: found.stripeUrl,
        DATABASE_URL: undefined,
        APP_DATABASE_URL: undefined,
        STRIPE_SECRET_KEY: undefined,
        STRIPE_WEBHOOK_SECRETS: undefined,
      },
    });
    await waitFor('The dashboard', () => answers(`http://localhost:${port}/`));
    return { note: built ? 'rebuilt' : undefined, rows: [['Dashboard', config.dashboardUrl]] };
  },
};
