import { z } from 'zod';
import { checkoutStatuses, type Checkout } from '../../models/checkout.ts';
import { getCheckout } from '../../services/billing/checkout/get-checkout.ts';
import { startCheckout } from '../../services/billing/checkout/start-checkout.ts';
import { returnTo } from '../return-to.ts';
import { routesOf } from '../route.ts';

const { scopedRoute } = routesOf('billing');
const checkoutId = z.string().meta({ description: '`chk_…`' });

const start = scopedRoute({
  method: 'post',
  path: '/billing/checkout',
  operationId: 'startCheckout',
  summary: 'Start a checkout, or return the open one',
  access: ['billing:write'],
  neverRefused: true,
  body: z.strictObject({ returnTo }),
  responses: {
    200: {
      description: 'The checkout; the same for a repeated request',
      schema: z
        .object({ checkoutId, url: z.url().meta({ description: 'The Stripe Checkout page.' }) })
        .meta({ id: 'StartedCheckout' }),
    },
  },
  problems: ['already_subscribed', 'payment_processing', 'daily_limit'],
  billing: 'configured',
  handle: async (deps, { body, origin }, principal) => ({
    status: 200,
    body: await startCheckout(deps, principal, { origin, returnTo: body.returnTo }),
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
  summary: 'Get a checkout; if it is open, this also triggers a read from Stripe',
  access: ['billing:read'],
  neverRefused: true,
  params: z.object({ checkoutId: z.string().max(64) }),
  responses: {
    200: {
      description: 'The checkout',
      schema: z
        .object({
          checkoutId,
          status: z.enum(checkoutStatuses),
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
  problems: ['not_found'],
  billing: 'enabled',
  handle: async (deps, { params }, { tenantId }) => ({
    status: 200,
    body: present(await getCheckout(deps, tenantId, params.checkoutId)),
  }),
});

export const checkoutRoutes = [start, get];
