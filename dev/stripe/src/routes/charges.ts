import { checkCustomer } from '../customers.ts';
import { text } from '../parameters.ts';
import { find } from '../state.ts';
import { page, paging, times } from './lists.ts';
import { route } from './route.ts';

export const charges = [
  route('GET /v1/charges/{charge}', {}, ({ state }, { id }) => find(state.charges, id, 'charge')),

  route(
    'GET /v1/charges',
    { ...paging, created: times, customer: text, payment_intent: text },
    (stand, { params }) => {
      const { created, customer, payment_intent: intent } = params;
      checkCustomer(stand, customer);
      return page(
        '/v1/charges',
        stand.state.charges,
        params,
        (charge) =>
          (created === undefined || created(charge.created)) &&
          (customer === undefined || charge.customer === customer) &&
          (intent === undefined || charge.payment_intent === intent),
      );
    },
  ),
];
