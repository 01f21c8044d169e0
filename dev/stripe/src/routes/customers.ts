import { createCustomer } from '../customers.ts';
import { emptyable, mergeMetadata, metadata, text } from '../parameters.ts';
import { change } from '../stand.ts';
import { find } from '../state.ts';
import { route } from './route.ts';

const details = {
  description: emptyable(text),
  email: emptyable(text),
  metadata,
  name: emptyable(text),
  phone: emptyable(text),
};

export const customers = [
  route('POST /v1/customers', details, (stand, { params: { metadata: given, ...rest }, cause }) =>
    createCustomer(stand, cause, { ...rest, metadata: mergeMetadata({}, given) }),
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
