import { expireSession, openSession } from '../checkout.ts';
import { checkCustomer } from '../customers.ts';
import { invalid } from '../errors.ts';
import * as kinds from '../parameters.ts';
import type { Output } from '../parameters.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import type { Price, Session } from '../wire.ts';
import { page, paging } from './lists.ts';
import { route } from './route.ts';

const { arrayOf, fields, flag, integer, mergeMetadata, metadata, oneOf, required, text, url } = kinds;

const HOUR = 3_600;
const SHORTEST = HOUR / 2;
const LONGEST = 24 * HOUR;
const LONGEST_TRIAL_DAYS = 730;

const expiry = (given: number | undefined, now: number): number => {
  // Allows a few seconds for the request, as Stripe does.
  const ok = given === undefined || (given >= now + SHORTEST - 60 && given <= now + LONGEST + 60);
  if (ok) return given ?? now + LONGEST;
  const bounds = 'at least 30 minutes and less than 24 hours from Checkout Session creation';
  throw invalid(`The \`expires_at\` timestamp must be ${bounds}.`, { param: 'expires_at' });
};

const trial = (days: number | undefined): number => {
  if (days === undefined) return 0;
  const param = 'subscription_data[trial_period_days]';
  if (days < 1) throw invalid('The minimum number of trial period days is 1.', { param });
  if (days > LONGEST_TRIAL_DAYS) {
    throw invalid(`The maximum number of trial period days is ${LONGEST_TRIAL_DAYS}.`, { param });
  }
  return days;
};

/** The price of the session. It must be active and recurring. */
const priceOf = ({ state }: Stand, id: string): Price => {
  const param = 'line_items[0][price]';
  const price = find(state.prices, id, 'price', param);
  if (!price.active) throw invalid('The price specified is inactive.', { param });
  if (price.recurring) return price;
  throw invalid('You must provide at least one recurring price in `subscription` mode.', { param });
};

const quantityOf = (quantity: number | undefined): number => {
  const param = 'line_items[0][quantity]';
  if (quantity === undefined) throw invalid('Quantity is required.', { code: 'parameter_missing', param });
  if (quantity < 1) throw invalid('This value must be greater than or equal to 1.', { param });
  return quantity;
};

const creation = {
  mode: required(oneOf('subscription')),
  customer: text,
  customer_email: text,
  client_reference_id: text,
  line_items: required(arrayOf(fields({ price: required(text), quantity: integer }))),
  success_url: required(url),
  cancel_url: url,
  expires_at: integer,
  metadata,
  billing_address_collection: oneOf('auto', 'required'),
  customer_update: fields({ address: oneOf('auto', 'never'), name: oneOf('auto', 'never') }),
  tax_id_collection: fields({ enabled: required(flag) }),
  subscription_data: fields({ metadata, trial_period_days: integer }),
};

/** A tax ID belongs to a business, so Stripe wants to store its name too. */
const checkUpdates = ({
  customer,
  customer_update: update,
  tax_id_collection: tax,
}: Output<typeof creation>) => {
  if (update && customer === undefined) {
    throw invalid('`customer_update` can only be used with `customer`.', { param: 'customer_update' });
  }
  if (tax?.enabled && customer !== undefined && update?.name !== 'auto') {
    const advice =
      'To enable tax ID collection for an existing customer, set `customer_update[name]` to `auto`.';
    throw invalid(`Tax ID collection requires updating business name on the customer. ${advice}`);
  }
};

const sessionOf = ({ state }: Stand, id: string): Session => find(state.sessions, id, 'checkout.session');

export const checkoutSessions = [
  route('POST /v1/checkout/sessions', creation, (stand, { params }) => {
    const { customer, customer_email, subscription_data: plan, line_items: items } = params;
    checkCustomer(stand, customer);
    if (customer !== undefined && customer_email !== undefined) {
      throw invalid('You may only specify one of these parameters: customer, customer_email.');
    }
    checkUpdates(params);
    const [item] = items;
    if (items.length !== 1 || !item) {
      throw invalid('The local stand-in for Stripe sells one line item.', { param: 'line_items' });
    }
    return openSession(stand, {
      ...params,
      price: priceOf(stand, item.price),
      quantity: quantityOf(item.quantity),
      expires_at: expiry(params.expires_at, stand.now()),
      metadata: mergeMetadata({}, params.metadata),
      plan: {
        trialDays: trial(plan?.trial_period_days),
        metadata: mergeMetadata({}, plan?.metadata),
        updates: params.customer_update,
      },
    });
  }),

  route('GET /v1/checkout/sessions/{session}', {}, (stand, { id }) => sessionOf(stand, id)),

  route(
    'GET /v1/checkout/sessions',
    { ...paging, customer: text, subscription: text, status: oneOf('open', 'complete', 'expired') },
    (stand, { params }) => {
      const { customer, subscription, status } = params;
      checkCustomer(stand, customer);
      return page(
        '/v1/checkout/sessions',
        stand.state.sessions,
        params,
        (session) =>
          (customer === undefined || session.customer === customer) &&
          (subscription === undefined || session.subscription === subscription) &&
          (status === undefined || session.status === status),
      );
    },
  ),

  route('POST /v1/checkout/sessions/{session}/expire', {}, (stand, { id, cause }) => {
    const session = sessionOf(stand, id);
    if (session.status === 'open') return expireSession(stand, cause, session);
    const rule = 'Only Checkout Sessions with a status in ["open"] can be expired.';
    throw invalid(`${rule} This Checkout Session has a status of \`${session.status}\`.`);
  }),
];
