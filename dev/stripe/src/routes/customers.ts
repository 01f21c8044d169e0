import { createCustomer } from '../customers.ts';
import { emptyable, mergeMetadata, metadata, text } from '../parameters.ts';
import { change } from '../stand.ts';
import { find } from '../state.ts';
import { isListed, page, paging } from './lists.ts';
import { route } from './route.ts';

const details = {
  description: emptyable(text),
  email: emptyable(text),
  metadata,
  name: emptyable(text),
  phone: emptyable(text),
};

export const customers = [
  route(
    'POST /v1/customers',
    { ...details, test_clock: text },
    (stand, { params: { metadata: given, ...rest }, cause }) => {
      if (rest.test_clock !== undefined)
        find(stand.state.clocks, rest.test_clock, 'test_clock', 'test_clock');
      return createCustomer(stand, cause, { ...rest, metadata: mergeMetadata({}, given) });
    },
  ),

  route('GET /v1/customers', { ...paging, email: text, test_clock: text }, (stand, { params }) =>
    page(
      '/v1/customers',
      stand.state.customers,
      params,
      (customer) =>
        isListed(stand, customer, params) && (params.email === undefined || customer.email === params.email),
    ),
  ),

  route('GET /v1/customers/{customer}', {}, ({ state }, { id }) => find(state.customers, id, 'customer')),

  route('POST /v1/customers/{customer}', details, (stand, { id, params, cause }) => {
    const customer = find(stand.state.customers, id, 'customer');
    const { metadata: given, ...rest } = params;
    return change(stand, cause, 'customer.updated', customer, {
      ...rest,
      metadata: mergeMetadata(customer.metadata ?? {}, given),
    });
  }),
];
