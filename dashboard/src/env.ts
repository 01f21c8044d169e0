import { defineEnvVars } from '@sveltejs/kit/env';

// Not validated here: `#lib/server/config.ts` checks all of them when the server starts.
const asIs = (value: string | undefined) => value;

export const variables = defineEnvVars({
  API_URL: { schema: asIs, description: 'The URL at which this server calls the API.' },
  PUBLIC_API_URL: {
    schema: asIs,
    description: 'The URL of the API for browsers and for the curl commands shown.',
  },
  ORIGIN: { schema: asIs, description: 'The URL of this server for browsers.' },
  CHECKOUT_ORIGIN: { schema: asIs, description: 'The origin of Stripe Checkout pages.' },
  PORTAL_ORIGIN: { schema: asIs, description: 'The origin of Stripe’s billing portal.' },
});
