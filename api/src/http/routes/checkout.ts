import { z } from 'zod';
import type { Checkout } from '../../models/checkout.ts';
import { acceptStripeEvent } from '../../services/billing/events/accept-stripe-event.ts';
import { getCheckout } from '../../services/billing/checkout/get-checkout.ts';
import { startCheckout } from '../../services/billing/checkout/start-checkout.ts';
import { publicRoute, scopedRoute } from '../route.ts';

const tag = 'billing';
const checkoutId = z.string().meta({ description: '`chk_…`' });

const start = scopedRoute({
  method: 'post',
  path: '/billing/checkout',
  operationId: 'startCheckout',
  summary: 'Start to become paid, or go on with the checkout that is open',
  tag,
  access: ['billing:write'],
  neverRefused: true,
  body: z.strictObject({}),
  responses: {
    200: {
      description: 'Where to pay; asked again, the same',
      schema: z
        .object({ checkoutId, url: z.url().meta({ description: 'Stripe’s own page.' }) })
        .meta({ id: 'StartedCheckout' }),
    },
  },
  problems: ['already_subscribed', 'daily_limit'],
  billing: 'configured',
  handle: async (deps, { origin }, principal) => ({
    status: 200,
    body: await startCheckout(deps, principal, origin),
  }),
});

const present = ({ id, status, createdAt, expiresAt, closedAt }: Checkout) => ({
  checkoutId: id,
  status,
  createdAt: createdAt.toISOString(),
  expiresAt: expiresAt?.toISOString() ?? null,
  closedAt: closedAt?.toISOString() ?? null,
});

const get = scopedRoute({
  method: 'get',
  path: '/billing/checkouts/:checkoutId',
  operationId: 'getCheckout',
  summary: 'How a checkout stands; asking about an open one makes us ask Stripe',
  tag,
  access: ['billing:read'],
  neverRefused: true,
  params: z.object({ checkoutId: z.string().max(64) }),
  responses: {
    200: {
      description: 'The checkout',
      schema: z
        .object({
          checkoutId,
          status: z.enum(['open', 'completed', 'expired']),
          createdAt: z.iso.datetime(),
          expiresAt: z.iso.datetime().nullable().meta({ description: '`null` until Stripe’s page is open.' }),
          closedAt: z.iso.datetime().nullable(),
        })
        .meta({ id: 'Checkout' }),
    },
  },
  problems: ['not_found'],
  billing: 'enabled',
  handle: async (deps, { params }, { tenantId }) => ({
    status: 200,
    body: present(await getCheckout(deps, tenantId, params.checkoutId)),
  }),
});

/** Stripe's side of the door: verified, stored, answered. What follows from an event is not decided here. */
const webhook = publicRoute({
  method: 'post',
  path: '/billing/webhook',
  operationId: 'receiveStripeEvent',
  summary: 'Stripe’s events, signed in Stripe-Signature',
  tag,
  access: 'public',
  rawBody: true,
  responses: {
    200: { description: 'Stored, or known already', schema: z.object({ received: z.literal(true) }) },
  },
  billing: 'enabled',
  problems: ['invalid_signature', 'malformed_json', 'validation_failed'],
  handle: async (deps, { raw, headers }) => {
    const isNew = await acceptStripeEvent(deps, raw, String(headers['stripe-signature'] ?? ''));
    if (isNew) deps.stripeEvents?.deliverSoon();
    return { status: 200, body: { received: true } };
  },
});

export const checkoutRoutes = [start, get, webhook];
