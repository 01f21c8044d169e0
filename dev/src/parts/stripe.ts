import { join } from 'node:path';
import type { Part } from '../part.ts';
import { answers, waitFor } from '../wait-for.ts';

/** A key that the stand-in accepts. It is not a valid Stripe key. */
const LOCAL_KEY = 'sk_test_local';

export const stripe: Part = {
  name: 'stripe',
  async start({ config, children }) {
    const { dataDir, stripePort, stripeSecretKey } = config;
    if (stripeSecretKey) {
      const stripeEnv = { STRIPE_SECRET_KEY: stripeSecretKey, STRIPE_API_URL: undefined };
      return { found: { stripeEnv }, note: 'yours (STRIPE_SECRET_KEY)' };
    }
    const STRIPE_API_URL = `http://127.0.0.1:${stripePort}`;
    children.serve({
      name: 'stripe',
      argv: [process.execPath, 'dev/stripe/src/main.ts'],
      env: { STRIPE_PORT: String(stripePort), STRIPE_DATA_FILE: join(dataDir, 'stripe.json') },
    });
    await waitFor('The Stripe stand-in', () => answers(`${STRIPE_API_URL}/_dev/health`));
    const stripeUrl = `http://localhost:${stripePort}`;
    const stripeEnv = { STRIPE_SECRET_KEY: LOCAL_KEY, STRIPE_API_URL };
    return { found: { stripeEnv, stripeUrl }, rows: [['Stripe stand-in', stripeUrl]] };
  },
};
