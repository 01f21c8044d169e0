import { z } from 'zod';
import { acceptStripeEvent } from '../../services/billing/events/accept-stripe-event.ts';
import { routesOf } from '../route.ts';

const { publicRoute } = routesOf('billing');

/** Verifies and stores the event. A workflow processes it later. */
export const webhookRoute = publicRoute({
  method: 'post',
  path: '/billing/webhook',
  operationId: 'receiveStripeEvent',
  summary: 'Receive a Stripe event, signed in Stripe-Signature',
  rawBody: true,
  responses: {
    200: { description: 'The event is stored', schema: z.object({ received: z.literal(true) }) },
  },
  billing: 'enabled',
  problems: ['invalid_signature', 'malformed_json', 'validation_failed'],
  handle: async (deps, { raw, headers }) => {
    const isNew = await acceptStripeEvent(deps, raw, String(headers['stripe-signature'] ?? ''));
    if (isNew) deps.stripeEvents?.deliverSoon();
    return { status: 200, body: { received: true } };
  },
});
