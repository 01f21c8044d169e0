import { z } from 'zod';
import {
  invoiceStatuses,
  isInvoiceCursor,
  listInvoices,
} from '../../services/billing/invoices/list-invoices.ts';
import { pageQuery, pageSchema } from '../paging.ts';
import { routesOf } from '../route.ts';

const { scopedRoute } = routesOf('billing');
const amount = z.int().meta({ description: 'In the currency’s minor unit.' });
const count = z.int().min(0);
const cursor = pageQuery.cursor.refine((given) => given === undefined || isInvoiceCursor(given), {
  error: 'is not valid. Start again without a cursor',
});

const invoice = z
  .object({
    invoiceId: z.string(),
    number: z.string().nullable().meta({ description: '`null` while it is a draft.' }),
    status: z.enum(invoiceStatuses),
    amountDue: amount,
    amountPaid: amount,
    amountRefunded: amount,
    isDisputed: z.boolean().meta({ description: 'The card’s owner has disputed its payment.' }),
    currency: z.string(),
    createdAt: z.iso.datetime(),
    periodStart: z.iso.datetime(),
    periodEnd: z.iso.datetime().meta({ description: 'Exclusive.' }),
    pageUrl: z
      .url()
      .nullable()
      .meta({ description: 'The page at Stripe, where an open invoice can be paid.' }),
    pdfUrl: z.url().nullable(),
    usage: z
      .object({ api_calls: count, token_issuances: count })
      .meta({ description: 'The usage of the period, in whole UTC days.' }),
  })
  .meta({ id: 'Invoice' });

const list = scopedRoute({
  method: 'get',
  path: '/billing/invoices',
  operationId: 'listInvoices',
  summary: 'List the invoices of the tenant with the usage of their periods, newest first',
  access: ['billing:read'],
  neverRefused: true,
  query: z.strictObject({ ...pageQuery, cursor }),
  responses: { 200: { description: 'A page of invoices', schema: pageSchema(invoice, 'InvoicePage') } },
  billing: 'configured',
  handle: async (deps, { query }, { tenantId }) => {
    const { rows, nextCursor } = await listInvoices(deps, tenantId, query);
    return { status: 200, body: { data: rows, nextCursor } };
  },
});

export const invoiceRoutes = [list];
