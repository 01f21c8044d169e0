import type { Part } from '../part.ts';
import { answers, waitFor } from '../wait-for.ts';
import { buildWorkflowBundle } from '../workflow-bundle.ts';

/**
 * Restarts the worker when its source changes. With plain `--watch`, each thread reports its imports to its parent in a
 * message. The SDK crashes on this unknown message, so the folders to watch are listed instead.
 */
const WATCH = [
  ...['--watch-path=workers/src', '--watch-path=api/src', '--watch-preserve-output'],
  ...['--import', 'data:text/javascript,delete process.env.WATCH_REPORT_DEPENDENCIES'],
];

export const worker: Part = {
  name: 'worker',
  async start({ config, secrets, children, found, progress, watch }) {
    if (!found.temporalEnv) return { note: 'not started, because it needs Temporal' };
    const bundle = await buildWorkflowBundle(config, children, (text) => progress.detail(text));
    const port = String(config.workerMetricsPort);
    const flags = watch ? WATCH : [];
    children.serve({
      name: 'worker',
      argv: [process.execPath, ...flags, 'workers/src/main.ts'],
      env: {
        ...found.temporalEnv,
        ...found.stripeEnv,
        DATABASE_URL: undefined,
        APP_DATABASE_URL: found.appDatabaseUrl,
        REDIS_URL: found.redisUrl,
        DASHBOARD_URL: config.dashboardUrl,
        KEY_ENCRYPTION_KEYS: config.givenSecrets.KEY_ENCRYPTION_KEYS ?? secrets.KEY_ENCRYPTION_KEYS,
        SMTP_URL: found.smtpUrl,
        WORKFLOW_BUNDLE: bundle,
        METRICS_PORT: port,
      },
    });
    await waitFor('The worker', () => answers(`http://127.0.0.1:${port}/health`));
    return {};
  },
};
