import { createCustomer } from '../customers.ts';
import { invalid } from '../errors.ts';
import { emptyable, mergeMetadata, metadata, text } from '../parameters.ts';
import type { Kind } from '../parameters.ts';
import { change } from '../stand.ts';
import { find } from '../state.ts';
import { isListed, page, paging } from './lists.ts';
import { route } from './route.ts';

/** Stripe refuses a domain without a dot, which HTML's email field accepts. */
const email: Kind<string> = (value, path) => {
  const address = text(value, path);
  if (/^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$/.test(address)) return address;
  throw invalid(`Invalid email address: ${address}`, { code: 'email_invalid', param: path });
};

const details = {
  description: emptyable(text),
  email: emptyable(email),
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
