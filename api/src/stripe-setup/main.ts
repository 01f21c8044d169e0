import { tiers } from '@sentryagent/workflows/rules/tiers';
import { createStripe } from '../platform/stripe.ts';
import { setUpStripe } from '../services/billing/set-up/set-up-stripe.ts';
import { readConfig } from './config.ts';
import { hasSecret, writeSecret } from './secrets-file.ts';

const config = readConfig();
const { secretsFile } = config;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

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

try {
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
} catch (error) {
  process.stderr.write(`Stripe setup failed: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
