import { subscriptionStatuses } from '@sentryagent/workflows/rules/subscription';
import { z } from 'zod';
import { openPortal } from '../../services/billing/portal/open-portal.ts';
import { changeSubscription } from '../../services/billing/subscription/change-subscription.ts';
import { getSubscription } from '../../services/billing/subscription/get-subscription.ts';
import { returnTo } from '../return-to.ts';
import { routesOf } from '../route.ts';
import { tierSchema } from './billing.ts';

const { scopedRoute } = routesOf('billing');
const instant = z.iso.datetime().nullable();

const subscriptionSchema = z
  .object({
    tier: tierSchema,
    status: z.enum(subscriptionStatuses),
    renewsAt: instant,
    endsAt: instant.meta({ description: 'When the subscription ends, or the trial.' }),
    graceEndsAt: instant.meta({ description: 'Past due: when the paid tier ends if nobody pays.' }),
    isCancelling: z.boolean().meta({
      description: 'The subscription ends at `endsAt`. It is charged before that only if `renewsAt` is set.',
    }),
    nextCharge: z
      .object({
        amount: z.int().meta({ description: 'In the currency’s minor unit, as Stripe will charge it.' }),
        currency: z.string(),
        at: z.iso.datetime(),
      })
      .nullable(),
    card: z
      .object({
        brand: z.string(),
        last4: z.string(),
        expMonth: z.int().min(1).max(12),
        expYear: z.int(),
      })
      .nullable()
      .meta({ description: 'The card that is charged next.' }),
    hasPortal: z.boolean().meta({ description: 'Whether the tenant has a billing portal at Stripe.' }),
    openCheckout: z
      .object({ checkoutId: z.string(), status: z.enum(['open', 'processing']) })
      .nullable()
      .meta({ description: '`processing`: the bank settles the payment later.' }),
  })
  .meta({ id: 'Subscription' });

const get = scopedRoute({
  method: 'get',
  path: '/billing/subscription',
  operationId: 'getSubscription',
  summary: 'Get the subscription of the tenant with its next charge, card and open checkout',
  access: ['billing:read'],
  neverRefused: true,
  responses: { 200: { description: 'The subscription', schema: subscriptionSchema } },
  billing: 'enabled',
  handle: async ({ db }, _request, { tenantId }) => ({
    status: 200,
    body: await getSubscription(db, tenantId),
  }),
});

const changes = [
  ['cancel', 'cancelSubscription', 'Cancel the subscription at the end of its period'],
  ['resume', 'resumeSubscription', 'Undo the cancellation before the period has ended'],
] as const;

const changeRoutes = changes.map(([change, operationId, summary]) =>
  scopedRoute({
    method: 'post',
    path: `/billing/subscription/${change}`,
    operationId,
    summary,
    access: ['billing:write'],
    neverRefused: true,
    body: z.strictObject({}),
    responses: { 200: { description: 'The subscription after the change', schema: subscriptionSchema } },
    problems: ['not_subscribed'],
    billing: 'configured',
    handle: async (deps, _request, principal) => {
      await changeSubscription(deps, principal, change);
      return { status: 200, body: await getSubscription(deps.db, principal.tenantId) };
    },
  }),
);

const portal = scopedRoute({
  method: 'post',
  path: '/billing/portal',
  operationId: 'openPortal',
  summary: 'Open the billing portal at Stripe, for the card, the address and past invoices',
  access: ['billing:write'],
  neverRefused: true,
  body: z.strictObject({ returnTo }),
  responses: {
    200: {
      description: 'The portal; its URL soon expires',
      schema: z.object({ url: z.url() }).meta({ id: 'OpenedPortal' }),
    },
  },
  problems: ['not_subscribed'],
  billing: 'configured',
  handle: async (deps, { body }, { tenantId }) => ({
    status: 200,
    body: await openPortal(deps, tenantId, body.returnTo),
  }),
});

export const subscriptionRoutes = [get, ...changeRoutes, portal];
