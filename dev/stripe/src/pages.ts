import { confirmCheckout, confirmPage, payCheckout, showCheckout } from './checkout-page.ts';
import { parseForm } from './form.ts';
import type { Fields } from './form.ts';
import { html } from './html.ts';
import { showIndex } from './index-page.ts';
import {
  confirmInvoice,
  confirmInvoicePage,
  downloadInvoice,
  payInvoice,
  showInvoice,
} from './invoice-page.ts';
import { layout } from './layout.ts';
import type { Download, Page, Redirect } from './layout.ts';
import { showPortal, usePortal } from './portal-page.ts';
import type { Stand } from './stand.ts';
import type { Collection } from './state.ts';

export type Shown = Page | Redirect | Download;

interface Visit {
  isPost: boolean;
  query: Record<string, unknown>;
  form: Fields;
}

const notFound = (): Page => layout({ title: 'Not found', status: 404, body: html`<h1>Page not found</h1>` });

/** A form that cannot be decoded counts as empty, so the page shows what is missing. */
const formOf = (body: string): Fields => {
  try {
    return parseForm(body);
  } catch {
    return {};
  }
};

/** The page of 3-D Secure, and what follows it. */
const confirmation = (stand: Stand, id: string, { isPost, form }: Visit): Shown => {
  const { confirmations, sessions, invoices } = stand.state;
  const { subject, payer } = confirmations[id]!;
  const isConfirmed = form.outcome === 'succeed';
  const session = sessions[subject];
  if (isPost) delete confirmations[id];
  if (session && payer) {
    return isPost ? confirmCheckout(stand, session, payer, isConfirmed) : confirmPage(stand, session, id);
  }
  const invoice = invoices[subject]!;
  return isPost ? confirmInvoice(stand, invoice, isConfirmed) : confirmInvoicePage(invoice, id);
};

const own = <T>(collection: Collection<T>, id: string): T | undefined =>
  Object.hasOwn(collection, id) ? collection[id] : undefined;

const PAGES: Record<string, (stand: Stand, id: string, visit: Visit) => Shown | undefined> = {
  'c/pay': (stand, id, { isPost, query, form }) => {
    const session = own(stand.state.sessions, id);
    if (!session) return undefined;
    return isPost ? payCheckout(stand, session, form) : showCheckout(stand, session, query);
  },
  'c/confirm': (stand, id, visit) =>
    own(stand.state.confirmations, id) ? confirmation(stand, id, visit) : undefined,
  'p/session': (stand, id, { isPost, form }) => {
    const session = own(stand.state.portals, id);
    if (!session) return undefined;
    return isPost ? usePortal(stand, session, form) : showPortal(stand, session);
  },
  i: (stand, id, { isPost }) => {
    const invoice = own(stand.state.invoices, id);
    if (!invoice?.number) return undefined;
    return isPost ? payInvoice(stand, invoice) : showInvoice(stand, invoice);
  },
  'i/pdf': (stand, id) => {
    const invoice = own(stand.state.invoices, id);
    return invoice?.number ? downloadInvoice(invoice) : undefined;
  },
};

/** The page at this path. */
export const pageOf = (
  stand: Stand,
  request: { method: string; path: string; query: Record<string, unknown>; body: string },
): Shown => {
  const { path, query, body } = request;
  const isPost = request.method === 'POST';
  if (path === '/' && !isPost) return showIndex(stand);
  const [, folder = '', id = '', file] =
    /^\/(c\/pay|c\/confirm|p\/session|i)\/(\w+)(\/pdf)?$/.exec(path) ?? [];
  const show = PAGES[folder + (file ?? '')];
  return show?.(stand, id, { isPost, query, form: formOf(body) }) ?? notFound();
};
