import type { StripeSubscription } from '@sentryagent/workflows/rules/subscription';
import { Stripe } from '../../../platform/stripe.ts';
import { idOf, isoOf } from '../stripe-values.ts';

export interface Card {
  brand: string;
  last4: string;
  expMonth: number;
  expYear: number;
}

/** In the currency's minor unit. */
export interface Charge {
  amount: number;
  currency: string;
}

/** An invoice whose payment has failed, or that needs an action of the customer. */
export interface Failure extends Charge {
  invoiceId: string;
  attempts: number;
  /** When it was due. ISO 8601. */
  at: string;
}

/** What is only shown must not keep the tier from being applied, so an answer like "there is none" counts as none. */
const orNone = async <T>(ask: () => Promise<T>): Promise<T | null> => {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Stripe.errors.StripeInvalidRequestError) return null;
    throw error;
  }
};

/** The next invoice, with its credits, taxes and discounts. */
export const readNextCharge = (stripe: Stripe, subscription: string): Promise<Charge | null> =>
  orNone(async () => {
    const { amount_due: amount, currency } = await stripe.invoices.createPreview({ subscription });
    return { amount, currency };
  });

/** After such an invoice, Stripe counts the subscription as active. */
const isSettled = ({ status }: Stripe.Invoice): boolean => status === 'paid' || status === 'uncollectible';

/**
 * The open invoices since the last settled one, because Stripe goes by the latest: an older one can stay open for ever.
 * An invoice that is sent, or that has no card, fails without an attempt. A subscription whose payments work has none.
 */
export const readFailures = async (
  stripe: Stripe,
  { id, status }: Pick<StripeSubscription, 'id' | 'status'>,
): Promise<Failure[]> => {
  if (status !== 'past_due' && status !== 'unpaid') return [];
  const { data } = await stripe.invoices.list({ subscription: id, limit: 100 });
  const settled = data.findIndex(isSettled);
  return data
    .slice(0, settled === -1 ? undefined : settled)
    .filter((invoice) => invoice.status === 'open')
    .map((invoice) => ({
      invoiceId: invoice.id,
      attempts: invoice.attempt_count,
      amount: invoice.amount_remaining,
      currency: invoice.currency,
      at: isoOf(invoice.due_date ?? invoice.status_transitions.finalized_at ?? invoice.created),
    }));
};

const defaultOf = async (stripe: Stripe, id: string): Promise<string | null> => {
  const customer = await stripe.customers.retrieve(id);
  return customer.deleted ? null : idOf(customer.invoice_settings.default_payment_method);
};

/** The card that is charged: the subscription's, else the customer's. An ended subscription has none. */
export const readCard = async (
  stripe: Stripe,
  {
    customer,
    paymentMethod,
    status,
  }: { customer: string; paymentMethod: string | null; status: StripeSubscription['status'] },
): Promise<Card | null> => {
  if (status === 'canceled' || status === 'incomplete' || status === 'incomplete_expired') return null;
  return orNone(async () => {
    const id = paymentMethod ?? (await defaultOf(stripe, customer));
    if (id === null) return null;
    const { card } = await stripe.paymentMethods.retrieve(id);
    return card
      ? { brand: card.brand, last4: card.last4, expMonth: card.exp_month, expYear: card.exp_year }
      : null;
  });
};
