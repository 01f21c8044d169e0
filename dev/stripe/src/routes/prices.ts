import { invalid } from '../errors.ts';
import { newId } from '../ids.ts';
import * as kinds from '../parameters.ts';
import { change } from '../stand.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import { nulls } from '../wire.ts';
import type { Cause, Price } from '../wire.ts';
import { page, paging } from './lists.ts';
import { route } from './route.ts';

const { arrayOf, fields, flag, integer, mergeMetadata, metadata, oneOf, required, text } = kinds;

const recurring = fields({
  interval: required(oneOf('day', 'week', 'month', 'year')),
  interval_count: integer,
});

/** A lookup key belongs to one active price. It moves only with `transfer_lookup_key`. */
const takeLookupKey = (stand: Stand, cause: Cause, key: string, transfer: boolean): void => {
  const holder = Object.values(stand.state.prices).find((price) => price.lookup_key === key);
  if (!holder) return;
  if (!transfer) {
    throw invalid(`A price (\`${holder.id}\`) already uses that lookup key.`, {
      code: 'resource_already_exists',
      param: 'lookup_key',
    });
  }
  change(stand, cause, 'price.updated', holder, { lookup_key: null });
};

const creation = {
  active: flag,
  currency: required(text),
  lookup_key: text,
  metadata,
  nickname: text,
  product: required(text),
  recurring,
  transfer_lookup_key: flag,
  unit_amount: required(integer),
};

export const prices = [
  route('POST /v1/prices', creation, (stand, { params, cause }) => {
    const { state } = stand;
    find(state.products, params.product, 'product', 'product');
    if (params.unit_amount < 0) throw invalid('Invalid non-negative integer', { param: 'unit_amount' });
    if (params.lookup_key)
      takeLookupKey(stand, cause, params.lookup_key, params.transfer_lookup_key ?? false);
    const price: Price = {
      id: newId('price_1'),
      object: 'price',
      ...nulls('custom_unit_amount', 'tiers_mode', 'transform_quantity'),
      active: params.active ?? true,
      billing_scheme: 'per_unit',
      created: stand.now(),
      currency: params.currency.toLowerCase(),
      livemode: false,
      lookup_key: params.lookup_key ?? null,
      metadata: mergeMetadata({}, params.metadata),
      nickname: params.nickname ?? null,
      product: params.product,
      recurring: params.recurring
        ? {
            interval: params.recurring.interval,
            interval_count: params.recurring.interval_count ?? 1,
            meter: null,
            trial_period_days: null,
            usage_type: 'licensed',
          }
        : null,
      tax_behavior: 'unspecified',
      type: params.recurring ? 'recurring' : 'one_time',
      unit_amount: params.unit_amount,
      unit_amount_decimal: String(params.unit_amount),
    };
    state.prices[price.id] = price;
    stand.emit(cause, 'price.created', price);
    return price;
  }),

  route('GET /v1/prices/{price}', {}, ({ state }, { id }) => find(state.prices, id, 'price', 'price')),

  route(
    'POST /v1/prices/{price}',
    { active: flag, metadata, nickname: kinds.emptyable(text) },
    (stand, { id, params: { metadata: given, ...rest }, cause }) => {
      const price = find(stand.state.prices, id, 'price', 'price');
      return change(stand, cause, 'price.updated', price, {
        ...rest,
        metadata: mergeMetadata(price.metadata, given),
      });
    },
  ),

  route(
    'GET /v1/prices',
    { ...paging, active: flag, lookup_keys: arrayOf(text), product: text },
    ({ state }, { params }) => {
      const { active, lookup_keys: keys, product } = params;
      return page(
        '/v1/prices',
        state.prices,
        params,
        (price) =>
          (active === undefined || price.active === active) &&
          (keys === undefined || keys.includes(price.lookup_key ?? '')) &&
          (product === undefined || price.product === product),
      );
    },
  ),
];
