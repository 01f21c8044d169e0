import { tiers } from '@sentryagent/workflows/rules/tiers';
import { runCommand, say } from '../platform/command.ts';
import { createStripe } from '../platform/stripe.ts';
import { setUpStripe } from '../services/billing/set-up/set-up-stripe.ts';
import { readConfig } from './config.ts';
import { hasSecret, writeSecret } from './secrets-file.ts';

const config = readConfig();
const { secretsFile } = config;

const keepSecret = (secret: string): void => {
  if (secretsFile) {
    writeSecret(secretsFile, secret);
    say(`The secret of the webhook endpoint was written to ${secretsFile}.`);
  } else {
    say(
      `The secret of the webhook endpoint is shown only once. Set it for the API:\nSTRIPE_WEBHOOK_SECRETS=${secret}`,
    );
  }
};

const setUp = async (): Promise<void> => {
  const steps = await setUpStripe(createStripe(config), {
    price: tiers.paid.price!,
    publicUrl: config.PUBLIC_URL,
    dashboardUrl: config.DASHBOARD_URL,
    stripeApiUrl: config.STRIPE_API_URL,
    secretIsKnown:
      config.STRIPE_WEBHOOK_SECRETS.length > 0 || (secretsFile !== undefined && hasSecret(secretsFile)),
    keepSecret,
  });
  for (const { what, done, note } of steps) say(`${what}: ${done} (${note})`);
};

await runCommand({ run: setUp, failure: 'Stripe setup failed' });
