import { newId } from '../ids.ts';
import {
  arrayOf,
  emptyable,
  flag,
  mergeMetadata,
  metadata,
  nonEmpty,
  required,
  text,
} from '../parameters.ts';
import { change } from '../stand.ts';
import { find } from '../state.ts';
import { nulls } from '../wire.ts';
import type { Product } from '../wire.ts';
import { page, paging } from './lists.ts';
import { route } from './route.ts';

const optional = { active: flag, description: emptyable(text), metadata };

export const products = [
  route('POST /v1/products', { ...optional, name: required(nonEmpty) }, (stand, { params, cause }) => {
    const product: Product = {
      id: newId('prod_', 14),
      object: 'product',
      ...nulls('package_dimensions', 'shippable', 'statement_descriptor', 'tax_code', 'unit_label', 'url'),
      active: params.active ?? true,
      created: stand.now(),
      default_price: null,
      description: params.description ?? null,
      images: [],
      livemode: false,
      marketing_features: [],
      metadata: mergeMetadata({}, params.metadata),
      name: params.name,
      updated: stand.now(),
    };
    stand.state.products[product.id] = product;
    stand.emit(cause, 'product.created', product);
    return product;
  }),

  route('GET /v1/products/{id}', {}, ({ state }, { id }) => find(state.products, id, 'product')),

  route('POST /v1/products/{id}', { ...optional, name: nonEmpty }, (stand, { id, params, cause }) => {
    const product = find(stand.state.products, id, 'product');
    const { metadata: given, ...rest } = params;
    return change(stand, cause, 'product.updated', product, {
      ...rest,
      metadata: mergeMetadata(product.metadata, given),
      updated: stand.now(),
    });
  }),

  route('GET /v1/products', { ...paging, active: flag, ids: arrayOf(text) }, ({ state }, { params }) => {
    const { active, ids } = params;
    return page(
      '/v1/products',
      state.products,
      params,
      (product) =>
        (active === undefined || product.active === active) &&
        (ids === undefined || ids.includes(product.id)),
    );
  }),
];
