import type { Environment } from '../config.ts';
import type { Context, Part } from '../part.ts';
import { writeOperatorEnv } from '../secrets.ts';
import { answers, waitFor } from '../wait-for.ts';

/** Secrets from the environment take precedence. The API never gets the URL of the schema owner. */
const environmentOf = ({ config, secrets, found }: Context): Environment => ({
  AUTH_SECRET: secrets.AUTH_SECRET,
  KEY_ENCRYPTION_KEYS: secrets.KEY_ENCRYPTION_KEYS,
  CLIENT_SECRET_PEPPERS: secrets.CLIENT_SECRET_PEPPERS,
  ...config.givenSecrets,
  ...found.temporalEnv,
  ...found.stripeEnv,
  STRIPE_WEBHOOK_SECRETS: found.stripeWebhookSecrets,
  API_PORT: String(config.apiPort),
  METRICS_PORT: String(config.metricsPort),
  PUBLIC_URL: config.publicUrl,
  DASHBOARD_URL: config.dashboardUrl,
  DATABASE_URL: undefined,
  APP_DATABASE_URL: found.appDatabaseUrl,
  REDIS_URL: found.redisUrl,
});

export const api: Part = {
  name: 'api',
  async start(context) {
    const { config, children, watch } = context;
    const flags = watch ? ['--watch', '--watch-preserve-output'] : [];
    const env = environmentOf(context);
    const { APP_DATABASE_URL, KEY_ENCRYPTION_KEYS } = env;
    const { temporalEnv, stripeEnv } = context.found;
    writeOperatorEnv(config.dataDir, { APP_DATABASE_URL, KEY_ENCRYPTION_KEYS, ...temporalEnv, ...stripeEnv });
    children.serve({ name: 'api', argv: [process.execPath, ...flags, 'api/src/main.ts'], env });
    await waitFor('The API', () => answers(`http://localhost:${config.apiPort}/health`));
    return { rows: [['API', config.publicUrl]] };
  },
};
