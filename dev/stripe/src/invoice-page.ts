import { askToConfirm, confirmationPage } from './confirmations.ts';
import { html } from './html.ts';
import type { Markup } from './html.ts';
import { layout } from './layout.ts';
import type { Download, Page, Redirect } from './layout.ts';
import { day, money } from './money.ts';
import { alertOf } from './pay-form.ts';
import { methodOf } from './payment-methods.ts';
import { attemptPayment, subscriptionOf } from './payments.ts';
import type { Outcome } from './payments.ts';
import { pdf } from './pdf.ts';
import type { Stand } from './stand.ts';
import { nowOf } from './subscriptions.ts';
import type { Invoice } from './wire.ts';

const methodName = (stand: Stand, invoice: Invoice): string => {
  const subscription = subscriptionOf(stand, invoice);
  const method = subscription && methodOf(stand, subscription);
  const last4 = method?.card?.last4 ?? method?.us_bank_account?.last4;
  return last4 ? `•••• ${last4}` : 'the saved card';
};

const payForm = (stand: Stand, invoice: Invoice): Markup => {
  if (stand.state.debits[invoice.id]) return html`<p class="note">A bank debit is on its way.</p>`;
  if (invoice.status !== 'open') return html``;
  return html`<form method="post" action="/i/${invoice.id}">
    <button>
      Pay ${money(invoice.amount_remaining, invoice.currency)} with ${methodName(stand, invoice)}
    </button>
  </form>`;
};

/** The page at `hosted_invoice_url`. */
export const showInvoice = (stand: Stand, invoice: Invoice, problem?: string): Page => {
  const { id, number, currency, status, total, created, lines } = invoice;
  const rows = lines.data.map(
    ({ description, amount, period }) =>
      html`<tr>
        <td>${description}<br />${day(period.start)} – ${day(period.end)}</td>
        <td>${money(amount, currency)}</td>
      </tr>`,
  );
  const body = html`<div class="card">
    ${alertOf(problem ? [problem] : [])}
    <h1>Invoice ${number}</h1>
    <p class="price">${money(total, currency)} <span>${status}</span></p>
    <p class="note">${day(created)}, for ${invoice.customer_email ?? invoice.customer}</p>
    <div class="table" tabindex="0" role="region" aria-label="What it is for">
      <table>
        <thead>
          <tr>
            <th scope="col">For</th>
            <th scope="col">Amount</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    ${payForm(stand, invoice)}
    <p><a href="/i/${id}/pdf">Download PDF</a></p>
  </div>`;
  return layout({ title: `Invoice ${number ?? ''}`, body, status: problem ? 402 : 200 });
};

/** The file at `invoice_pdf`. */
export const downloadInvoice = (invoice: Invoice): Download => {
  const { number, currency, status, total, amount_paid: paid, created, lines } = invoice;
  const text = [
    `Invoice ${number}`,
    `Date: ${day(created)}`,
    `For: ${invoice.customer_name ?? ''} ${invoice.customer_email ?? invoice.customer}`,
    '',
    ...lines.data.map(
      ({ description, amount, period }) =>
        `${description}, ${day(period.start)} to ${day(period.end)}: ${money(amount, currency)}`,
    ),
    '',
    `Total: ${money(total, currency)}`,
    `Paid: ${money(paid, currency)} (${status})`,
    'Made by the local stand-in for Stripe. No money moved.',
  ];
  return { status: 200, name: `Invoice-${number}.pdf`, type: 'application/pdf', content: pdf(text) };
};

const at = (stand: Stand, invoice: Invoice): number => {
  const subscription = subscriptionOf(stand, invoice);
  return subscription ? nowOf(stand, subscription) : stand.now();
};

const pageAfter = (stand: Stand, invoice: Invoice, outcome: Outcome): Page | Redirect =>
  typeof outcome === 'string'
    ? { status: 303, location: `/i/${invoice.id}` }
    : showInvoice(stand, invoice, outcome.message);

/** Pays an open invoice by the saved method. */
export const payInvoice = (stand: Stand, invoice: Invoice): Page | Redirect => {
  if (invoice.status !== 'open') return showInvoice(stand, invoice);
  const outcome = attemptPayment(stand, invoice, { at: at(stand, invoice) });
  if (typeof outcome !== 'string' && outcome.code === 'authentication_required') {
    return { status: 303, location: askToConfirm(stand, { subject: invoice.id }) };
  }
  return pageAfter(stand, invoice, outcome);
};

/** After the page of 3-D Secure. */
export const confirmInvoice = (stand: Stand, invoice: Invoice, isConfirmed: boolean): Page | Redirect => {
  if (invoice.status !== 'open') return showInvoice(stand, invoice);
  if (!isConfirmed) return showInvoice(stand, invoice, 'We are unable to authenticate your payment method.');
  return pageAfter(stand, invoice, attemptPayment(stand, invoice, { at: at(stand, invoice), isConfirmed }));
};

export const confirmInvoicePage = (
  { amount_remaining: amount, currency, number }: Invoice,
  id: string,
): Page => confirmationPage({ id, what: `${money(amount, currency)} for invoice ${number}` });
