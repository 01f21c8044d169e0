import { settleDebit, subscriptionOf, voidInvoice } from './payments.ts';
import { NO_REQUEST, change } from './stand.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
import type { Invoice, Session } from './wire.ts';

/** A first payment that never arrives ends its subscription, which was never active. */
const giveUp = (stand: Stand, invoice: Invoice, at: number): void => {
  const subscription = subscriptionOf(stand, invoice);
  voidInvoice(stand, invoice, at);
  if (!subscription) return;
  const end = { status: 'incomplete_expired' as const, ended_at: at };
  change(stand, NO_REQUEST, 'customer.subscription.updated', subscription, end);
};

const sessionOf = ({ state }: Stand, invoice: string): Session | undefined =>
  Object.values(state.sessions).find((session) => session.invoice === invoice);

/** Ends a bank debit: by the clock, or by a control for developers. */
export const settle = (stand: Stand, id: string, how: { at: number; succeeds: boolean }): Invoice => {
  const { emit, state } = stand;
  find(state.debits, id, 'bank debit of the invoice');
  const invoice = find(state.invoices, id, 'invoice');
  settleDebit(stand, invoice, how);
  const session = sessionOf(stand, id);
  if (!how.succeeds && session) giveUp(stand, invoice, how.at);
  if (session && how.succeeds) session.payment_status = 'paid';
  if (session)
    emit(NO_REQUEST, `checkout.session.async_payment_${how.succeeds ? 'succeeded' : 'failed'}`, session);
  return invoice;
};
