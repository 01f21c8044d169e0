import type { Database } from '../../../platform/database.ts';
import { invalidCursor, type Page, type PageRequest } from '../../../platform/page.ts';
import type { Stripe } from '../../../platform/stripe.ts';
import { findCustomer } from '../find-customer.ts';
import { isMissing, whileUserWaits } from '../stripe-errors.ts';
import { idOf, isoOf } from '../stripe-values.ts';
import { usageOfPeriods, type PeriodUsage } from './usage-of-periods.ts';

export const invoiceStatuses = ['draft', 'open', 'paid', 'uncollectible', 'void'] as const;

/** As Stripe shows it. Times are ISO 8601. */
export interface Invoice {
  invoiceId: string;
  number: string | null;
  status: (typeof invoiceStatuses)[number];
  amountDue: number;
  amountPaid: number;
  amountRefunded: number;
  isDisputed: boolean;
  currency: string;
  createdAt: string;
  periodStart: string;
  periodEnd: string;
  pageUrl: string | null;
  pdfUrl: string | null;
  usage: PeriodUsage;
}

/** A page has at most 100 invoices. Each has one payment, and some failed charges. */
const MOST_CHARGES = 1_000;

const isOfPeriod = ({ parent }: Stripe.InvoiceLineItem): boolean =>
  parent?.subscription_item_details?.proration === false;

/**
 * The invoice of a renewal is for the period that begins with it, which a line of the subscription has. Stripe lists
 * other lines first: prorations, and what an operator has added.
 */
const periodOf = ({ lines, period_start: start, period_end: end }: Stripe.Invoice) =>
  lines.data.find(isOfPeriod)?.period ?? { start, end };

const intentsOf = ({ payments }: Stripe.Invoice): string[] =>
  (payments?.data ?? []).flatMap(({ payment }) => idOf(payment.payment_intent) ?? []);

/** The charges of these invoices, by payment intent. Stripe does not list the charges of an invoice. */
const chargesOf = async (
  stripe: Stripe,
  customer: string,
  invoices: readonly Stripe.Invoice[],
): Promise<Map<string, Stripe.Charge[]>> => {
  const paid = invoices.filter((invoice) => intentsOf(invoice).length > 0);
  if (paid.length === 0) return new Map();
  const created = { gte: Math.min(...paid.map((invoice) => invoice.created)) };
  const charges = await stripe.charges
    .list({ customer, created, limit: 100 })
    .autoPagingToArray({ limit: MOST_CHARGES });
  return Map.groupBy(charges, ({ payment_intent: intent }) => idOf(intent) ?? '');
};

const present = (invoice: Stripe.Invoice, charges: readonly Stripe.Charge[], usage: PeriodUsage): Invoice => {
  const period = periodOf(invoice);
  return {
    invoiceId: invoice.id,
    number: invoice.number,
    status: invoice.status as Invoice['status'],
    amountDue: invoice.amount_due,
    amountPaid: invoice.amount_paid,
    amountRefunded: charges.reduce((sum, { amount_refunded: refunded }) => sum + refunded, 0),
    isDisputed: charges.some(({ disputed }) => disputed),
    currency: invoice.currency,
    createdAt: isoOf(invoice.created),
    periodStart: isoOf(period.start),
    periodEnd: isoOf(period.end),
    pageUrl: invoice.hosted_invoice_url ?? null,
    pdfUrl: invoice.invoice_pdf ?? null,
    usage,
  };
};

/** The id of the last invoice of the previous page. `undefined`: the cursor is none of ours. */
const invoiceOf = (cursor: string): string | undefined =>
  /^in_\w{1,250}$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'))?.[0];

export const isInvoiceCursor = (cursor: string): boolean => invoiceOf(cursor) !== undefined;

/** A page of the customer's invoices. A customer that Stripe does not have has none. */
const readPage = async (
  stripe: Stripe,
  customer: string,
  { limit, cursor }: PageRequest,
): Promise<Pick<Stripe.ApiList<Stripe.Invoice>, 'data' | 'has_more'>> => {
  try {
    return await stripe.invoices.list({
      customer,
      limit,
      expand: ['data.payments'],
      ...(cursor !== undefined && { starting_after: invoiceOf(cursor) ?? cursor }),
    });
  } catch (error) {
    if (isMissing(error, 'starting_after')) throw invalidCursor();
    if (isMissing(error, 'customer')) return { data: [], has_more: false };
    throw error;
  }
};

/**
 * The tenant's invoices from Stripe, newest first, with the usage of their periods from our ledger. Problems:
 * `validation_failed`, `service_unavailable`.
 */
export const listInvoices = async (
  { db, stripe }: { db: Database; stripe: Stripe },
  tenantId: string,
  request: PageRequest,
): Promise<Page<Invoice>> => {
  const customer = await findCustomer(db, tenantId);
  if (!customer) return { rows: [], nextCursor: null };
  const {
    data,
    has_more: hasMore,
    charges,
  } = await whileUserWaits(async () => {
    const page = await readPage(stripe, customer, request);
    return { ...page, charges: await chargesOf(stripe, customer, page.data) };
  });
  const usage = await usageOfPeriods(db, tenantId, data.map(periodOf));
  const rows = data.map((invoice, index) => {
    const paying = intentsOf(invoice).flatMap((intent) => charges.get(intent) ?? []);
    return present(invoice, paying, usage[index]!);
  });
  const last = rows.at(-1);
  return { rows, nextCursor: hasMore && last ? Buffer.from(last.invoiceId).toString('base64url') : null };
};
