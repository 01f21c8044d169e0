import { html } from './html.ts';
import { layout } from './layout.ts';
import type { Page } from './layout.ts';
import { day, money } from './money.ts';
import type { Invoice } from './wire.ts';

/** The page at `hosted_invoice_url`. */
export const showInvoice = (invoice: Invoice): Page => {
  const { number, currency, status, total, created, lines } = invoice;
  const rows = lines.data.map(
    ({ description, amount, period }) =>
      html`<tr>
        <td>${description}<br />${day(period.start)} – ${day(period.end)}</td>
        <td>${money(amount, currency)}</td>
      </tr>`,
  );
  const body = html`<div class="card">
    <h1>Invoice ${number}</h1>
    <p class="price">${money(total, currency)} <span>${status}</span></p>
    <p class="note">${day(created)}, for ${invoice.customer_email ?? invoice.customer}</p>
    <div class="table">
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
  </div>`;
  return layout({ title: `Invoice ${number ?? ''}`, body });
};
