import { oneOf } from '../parameters.ts';
import { find } from '../state.ts';
import { page, paging } from './lists.ts';
import { route } from './route.ts';

const type = oneOf('card', 'us_bank_account');

export const paymentMethods = [
  route('GET /v1/payment_methods/{payment_method}', {}, ({ state }, { id }) =>
    find(state.methods, id, 'PaymentMethod', 'payment_method'),
  ),

  route('GET /v1/customers/{customer}/payment_methods', { ...paging, type }, (stand, { id, params }) => {
    find(stand.state.customers, id, 'customer', 'customer');
    return page(
      `/v1/customers/${id}/payment_methods`,
      stand.state.methods,
      params,
      (method) => method.customer === id && (params.type === undefined || method.type === params.type),
    );
  }),
];
