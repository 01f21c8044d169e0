import { join } from 'node:path';
import type { Environment } from '../../../dev/src/config.ts';
import { freePort } from '../../../dev/src/ports.ts';
import { readEnvFile } from '../../../dev/src/secrets.ts';
import { findTemporal } from '../../../dev/src/temporal-program.ts';
import { startTemporal } from '../../../dev/src/temporal-server.ts';
import { answers, waitFor } from '../../../dev/src/wait-for.ts';
import { buildWorkflowBundle } from '../../../dev/src/workflow-bundle.ts';
import { DASHBOARD_URL, profileFlags, startApi } from '../api.ts';
import type { Servers } from '../servers.ts';

const KEY = 'sk_test_bench';

/** The URLs of what sells: our API over a worker, Temporal and the stand-in for Stripe. */
export interface SellingStack {
  apiUrl: string;
  stripeUrl: string;
  temporalAddress: string;
  webhookSecret: string;
  /** As the client that owns the account. */
  askStripe(method: 'POST' | 'DELETE', path: string): Promise<void>;
}

const startStripe = async ({ children }: Servers): Promise<string> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  children.serve({
    name: 'stripe',
    argv: [process.execPath, 'dev/stripe/src/main.ts'],
    env: { STRIPE_PORT: String(port), STRIPE_DATA_FILE: undefined },
  });
  await waitFor('The Stripe stand-in', () => answers(`${url}/_dev/health`));
  return url;
};

const startOurTemporal = async ({ config, children, folder, say }: Servers): Promise<string> => {
  const program = await findTemporal(config, children, say);
  if (!program) throw new Error('The billing bench needs Temporal, and none was found.');
  const [port, uiPort] = [await freePort(), await freePort()];
  return startTemporal({ program, children, dataDir: folder, port, uiPort });
};

type Access = Record<'STRIPE_SECRET_KEY' | 'STRIPE_API_URL' | 'TEMPORAL_ADDRESS', string>;

const startWorker = async (
  servers: Servers,
  access: Access,
  profileDir: string | undefined,
): Promise<void> => {
  const { config, children, secrets, appDatabaseUrl, say } = servers;
  const port = await freePort();
  children.serve({
    name: 'worker',
    argv: [process.execPath, ...profileFlags(profileDir), 'workers/src/main.ts'],
    env: {
      ...access,
      NODE_ENV: 'production',
      DATABASE_URL: undefined,
      APP_DATABASE_URL: appDatabaseUrl,
      DASHBOARD_URL,
      KEY_ENCRYPTION_KEYS: secrets.KEY_ENCRYPTION_KEYS,
      WORKFLOW_BUNDLE: await buildWorkflowBundle(config, children, say),
      METRICS_PORT: String(port),
    },
  });
  await waitFor('The worker', () => answers(`http://127.0.0.1:${port}/health`));
};

/** The same set-up that a real account gets. Returns the secret of the webhook endpoint. */
const setUpStripe = async ({ children, folder }: Servers, access: Access, apiUrl: string) => {
  const file = join(folder, 'webhook.env');
  const argv = [process.execPath, 'api/src/stripe-setup/main.ts', '--secrets-file', file];
  await children.run({ name: 'stripe-setup', argv, env: { ...access, PUBLIC_URL: apiUrl, DASHBOARD_URL } });
  return readEnvFile(file).STRIPE_WEBHOOK_SECRETS!;
};

interface SellingOptions {
  /** The profile is that of the worker, because the worker takes the most time of ours. */
  profileDir?: string | undefined;
  /** More settings of the API. */
  apiEnv?: Environment;
}

export const startSelling = async (
  servers: Servers,
  { profileDir, apiEnv }: SellingOptions = {},
): Promise<SellingStack> => {
  const [stripeUrl, temporalAddress] = [await startStripe(servers), await startOurTemporal(servers)];
  const access = { STRIPE_SECRET_KEY: KEY, STRIPE_API_URL: stripeUrl, TEMPORAL_ADDRESS: temporalAddress };
  const port = await freePort();
  const apiUrl = `http://127.0.0.1:${port}`;
  const webhookSecret = await setUpStripe(servers, access, apiUrl);
  await startWorker(servers, access, profileDir);
  const env = { ...access, STRIPE_WEBHOOK_SECRETS: webhookSecret, ...apiEnv };
  await startApi(servers, port, { env });
  return {
    apiUrl,
    stripeUrl,
    temporalAddress,
    webhookSecret,
    askStripe: async (method, path) => {
      const headers = { authorization: `Bearer ${KEY}` };
      const response = await fetch(`${stripeUrl}/v1${path}`, { method, headers });
      const body = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${body}`);
    },
  };
};
