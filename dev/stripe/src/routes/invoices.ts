import { checkCustomer } from '../customers.ts';
import { oneOf, text } from '../parameters.ts';
import { find } from '../state.ts';
import { page, paging } from './lists.ts';
import { route } from './route.ts';

const status = oneOf('draft', 'open', 'paid', 'uncollectible', 'void');

export const invoices = [
  route('GET /v1/invoices/{invoice}', {}, ({ state }, { id }) => find(state.invoices, id, 'invoice')),

  route(
    'GET /v1/invoices',
    { ...paging, customer: text, subscription: text, status },
    (stand, { params }) => {
      const { customer, subscription, status: wanted } = params;
      checkCustomer(stand, customer);
      return page(
        '/v1/invoices',
        stand.state.invoices,
        params,
        (invoice) =>
          (customer === undefined || invoice.customer === customer) &&
          (wanted === undefined || invoice.status === wanted) &&
          (subscription === undefined || invoice.parent?.subscription_details?.subscription === subscription),
      );
    },
  ),
];
