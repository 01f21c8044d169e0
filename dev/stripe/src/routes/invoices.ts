import { checkCustomer } from '../customers.ts';
import { StripeError, invalid } from '../errors.ts';
import { attemptPayment, finalize, subscriptionOf } from '../payments.ts';
import { fields, flag, oneOf, text } from '../parameters.ts';
import { nextInvoice } from '../renewals.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import { hasEnded, nowOf } from '../subscriptions.ts';
import type { Invoice, Subscription } from '../wire.ts';
import { page, paging, times } from './lists.ts';
import { route } from './route.ts';
import { itemUpdates, withUpdates } from './subscription-items.ts';

const HOUR = 3_600;

const status = oneOf('draft', 'open', 'paid', 'uncollectible', 'void');

const invoiceOf = ({ state }: Stand, id: string): Invoice => find(state.invoices, id, 'invoice');

const pay = (stand: Stand, invoice: Invoice, method: string | undefined): Invoice => {
  if (!['draft', 'open'].includes(invoice.status ?? ''))
    throw invalid(`Invoice is already ${invoice.status}.`);
  const subscription = subscriptionOf(stand, invoice);
  const at = subscription ? nowOf(stand, subscription) : stand.now();
  if (invoice.status === 'draft') finalize(stand, invoice, at);
  const given = method === undefined ? undefined : find(stand.state.methods, method, 'PaymentMethod');
  const outcome = attemptPayment(stand, invoice, { at, method: given });
  if (typeof outcome === 'string') return invoice;
  const { code, declineCode, message } = outcome;
  throw new StripeError(402, {
    type: 'card_error',
    code: code === 'authentication_required' ? 'invoice_payment_intent_requires_action' : code,
    message,
    ...(declineCode && { decline_code: declineCode }),
  });
};

const isRenewed = ({ cancel_at: end, items }: Subscription): boolean =>
  end === null || end > items.data[0]!.current_period_end;

/** The subscription that would be invoiced next. */
const renewing = (stand: Stand, params: { customer?: string; subscription?: string }): Subscription => {
  const { subscriptions } = stand.state;
  checkCustomer(stand, params.customer);
  const found =
    params.subscription === undefined
      ? Object.values(subscriptions).findLast((one) => one.customer === params.customer && !hasEnded(one))
      : find(subscriptions, params.subscription, 'subscription', 'subscription');
  if (found && !hasEnded(found) && isRenewed(found)) return found;
  throw invalid('No upcoming invoices for this customer.', { code: 'invoice_upcoming_none' });
};

const preview = (stand: Stand, subscription: Subscription): Invoice => {
  const at = subscription.items.data[0]!.current_period_end;
  const invoice = nextInvoice(stand, subscription, at);
  const id = `upcoming_${invoice.id}`;
  const lines = { ...invoice.lines, data: invoice.lines.data.map((line) => ({ ...line, invoice: id })) };
  return { ...invoice, id, lines, next_payment_attempt: at + HOUR };
};

export const invoices = [
  route('POST /v1/invoices/{invoice}/pay', { off_session: flag, payment_method: text }, (stand, call) =>
    pay(stand, invoiceOf(stand, call.id), call.params.payment_method),
  ),

  route(
    'POST /v1/invoices/create_preview',
    { customer: text, subscription: text, subscription_details: fields({ items: itemUpdates }) },
    (stand, { params }) => {
      const subscription = renewing(stand, params);
      const items = params.subscription_details?.items;
      return preview(
        stand,
        items ? { ...subscription, items: withUpdates(stand, subscription, items) } : subscription,
      );
    },
  ),

  route('GET /v1/invoices/{invoice}', {}, (stand, { id }) => invoiceOf(stand, id)),

  route(
    'GET /v1/invoices',
    { ...paging, created: times, customer: text, subscription: text, status },
    (stand, { params }) => {
      const { created, customer, subscription, status: wanted } = params;
      checkCustomer(stand, customer);
      return page(
        '/v1/invoices',
        stand.state.invoices,
        params,
        (invoice) =>
          (created === undefined || created(invoice.created)) &&
          (customer === undefined || invoice.customer === customer) &&
          (wanted === undefined || invoice.status === wanted) &&
          (subscription === undefined || invoice.parent?.subscription_details?.subscription === subscription),
      );
    },
  ),
];
