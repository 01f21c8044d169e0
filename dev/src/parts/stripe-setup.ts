import { join } from 'node:path';
import type { Part } from '../part.ts';
import { readEnvFile } from '../secrets.ts';

export const stripeSetup: Part = {
  name: 'stripe setup',
  async start({ config, children, found }) {
    const { dataDir, publicUrl, dashboardUrl, stripeSecretKey } = config;
    const file = join(dataDir, 'secrets.env');
    const webhookSecrets = () =>
      config.givenSecrets.STRIPE_WEBHOOK_SECRETS ?? readEnvFile(file).STRIPE_WEBHOOK_SECRETS;
    const urls = { PUBLIC_URL: publicUrl, DASHBOARD_URL: dashboardUrl };
    const argv = [process.execPath, 'api/src/stripe-setup/main.ts', '--secrets-file', file];
    const env = { ...found.stripeEnv, ...urls, STRIPE_WEBHOOK_SECRETS: webhookSecrets() };
    await children.run({ name: 'stripe-setup', argv, env, timeoutMs: 60_000 }).catch((cause: Error) => {
      const whose = stripeSecretKey ? 'the account of your STRIPE_SECRET_KEY' : 'the Stripe stand-in';
      throw new Error(`Creating the product and the webhook in ${whose} failed: ${cause.message}`, { cause });
    });
    return { found: { stripeWebhookSecrets: webhookSecrets() } };
  },
};
