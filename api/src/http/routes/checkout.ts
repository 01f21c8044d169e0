import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { Problem, unavailable } from '../../platform/problem.ts';
import type { Checkout } from '../../models/checkout.ts';
import { acceptStripeEvent } from '../../services/billing/events/accept-stripe-event.ts';
import { getCheckout } from '../../services/billing/checkout/get-checkout.ts';
import { startCheckout } from '../../services/billing/checkout/start-checkout.ts';
import { publicRoute, scopedRoute } from '../route.ts';

const tag = 'billing';
const checkoutId = z.string().meta({ description: '`chk_…`' });

const assertBilling = ({ config }: Pick<Deps, 'config'>): void => {
  if (!config.BILLING_ENABLED) {
    throw new Problem('billing_disabled', 'Billing is disabled on this server (BILLING_ENABLED is false).');
  }
};

/** What a checkout needs beside the database. Problem: `service_unavailable`, where it is not set up. */
const sellingDeps = (deps: Deps) => {
  const { temporal, stripe } = deps;
  if (!temporal || !stripe)
    throw unavailable(new Error('TEMPORAL_ADDRESS or STRIPE_SECRET_KEY is not set'), 60);
  return { ...deps, temporal, stripe };
};

const start = scopedRoute({
  method: 'post',
  path: '/billing/checkout',
  operationId: 'startCheckout',
  summary: 'Start a checkout, or return the open one',
  tag,
  access: ['billing:write'],
  neverRefused: true,
  body: z.strictObject({}),
  responses: {
    200: {
      description: 'The checkout; the same for a repeated request',
      schema: z
        .object({ checkoutId, url: z.url().meta({ description: 'The Stripe Checkout page.' }) })
        .meta({ id: 'StartedCheckout' }),
    },
  },
  problems: ['billing_disabled', 'already_subscribed', 'daily_limit'],
  handle: async (deps, { origin }, principal) => {
    assertBilling(deps);
    return { status: 200, body: await startCheckout(sellingDeps(deps), principal, origin) };
  },
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
  summary: 'Get a checkout; if it is open, this also triggers a read from Stripe',
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
          expiresAt: z.iso
            .datetime()
            .nullable()
            .meta({ description: '`null` until the Stripe session exists.' }),
          closedAt: z.iso.datetime().nullable(),
        })
        .meta({ id: 'Checkout' }),
    },
  },
  problems: ['billing_disabled', 'not_found'],
  handle: async (deps, { params }, { tenantId }) => {
    assertBilling(deps);
    return { status: 200, body: present(await getCheckout(deps, tenantId, params.checkoutId)) };
  },
});

/** Stripe's side of the door: verified, stored, answered. What follows from an event is not decided here. */
const webhook = publicRoute({
  method: 'post',
  path: '/billing/webhook',
  operationId: 'receiveStripeEvent',
  summary: 'Receive a Stripe event, signed in Stripe-Signature',
  tag,
  access: 'public',
  rawBody: true,
  responses: {
    200: { description: 'The event is stored', schema: z.object({ received: z.literal(true) }) },
  },
  problems: ['billing_disabled', 'invalid_signature', 'malformed_json', 'validation_failed'],
  handle: async (deps, { raw, headers }) => {
    assertBilling(deps);
    const isNew = await acceptStripeEvent(deps, raw, String(headers['stripe-signature'] ?? ''));
    if (isNew) deps.stripeEvents?.deliverSoon();
    return { status: 200, body: { received: true } };
  },
});

export const checkoutRoutes = [start, get, webhook];
