import { defineEnvVars } from '@sveltejs/kit/env';

// Taken as they are: `#lib/server/config.ts` judges all of them together when the server starts.
const asIs = (value: string | undefined) => value;

export const variables = defineEnvVars({
  API_URL: { schema: asIs, description: 'Where this server reaches the API.' },
  PUBLIC_API_URL: { schema: asIs, description: 'Where browsers and the curl lines shown reach the API.' },
  ORIGIN: { schema: asIs, description: 'Where browsers reach this server.' },
  CHECKOUT_ORIGIN: { schema: asIs, description: 'Where Stripe’s Checkout pages are.' },
});
