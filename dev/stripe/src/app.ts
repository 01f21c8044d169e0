import type { IncomingMessage } from 'node:http';
import Koa from 'koa';
import type { Context } from 'koa';
import { answerApi } from './api.ts';
import { expireDue } from './checkout.ts';
import { payCheckout, showCheckout } from './checkout-page.ts';
import type { Redirect } from './checkout-page.ts';
import { control } from './dev-controls.ts';
import type { LoggedRequest } from './dev-controls.ts';
import type { Faults } from './faults.ts';
import { parseForm } from './form.ts';
import type { Fields } from './form.ts';
import { html } from './html.ts';
import type { Idempotency } from './idempotency.ts';
import { showIndex } from './index-page.ts';
import { showInvoice } from './invoice-page.ts';
import { layout } from './layout.ts';
import type { Page } from './layout.ts';
import type { Stand } from './stand.ts';
import type { Violations } from './violations.ts';

const LONGEST_BODY = 1_048_576;
const KEPT_REQUESTS = 500;

export interface Place {
  stand: Stand;
  faults: Faults;
  violations: Violations;
  idempotency: Idempotency;
  changed(): void;
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > LONGEST_BODY) throw Object.assign(new Error('The body is too long.'), { status: 413 });
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
};

const notFound = (): Page => layout({ title: 'Not found', status: 404, body: html`<h1>Page not found</h1>` });

/** A form that cannot be decoded counts as empty, so the page shows what is missing. */
const formOf = (body: string): Fields => {
  try {
    return parseForm(body);
  } catch {
    return {};
  }
};

/** The page at this path. */
const pageOf = (stand: Stand, { method, path }: Context, body: string): Page | Redirect => {
  const { sessions, invoices } = stand.state;
  const [, kind, id = ''] = /^\/(c\/pay|i)\/(\w+)$/.exec(path) ?? [];
  const isPost = method === 'POST';
  if (path === '/' && !isPost) return showIndex(stand.state);
  if (kind === 'c/pay' && Object.hasOwn(sessions, id)) {
    const session = sessions[id]!;
    return isPost ? payCheckout(stand, session, formOf(body)) : showCheckout(stand, session);
  }
  return kind === 'i' && !isPost && Object.hasOwn(invoices, id) ? showInvoice(invoices[id]!) : notFound();
};

const servePage = ({ stand, changed }: Place, context: Context, body: string): void => {
  const page = pageOf(stand, context, body);
  changed();
  context.status = page.status;
  if ('location' in page) {
    context.set('location', page.location);
    context.body = '';
  } else {
    context.set(page.headers);
    context.body = page.html;
  }
};

const serveApi = async (place: Place, context: Context, body: string): Promise<LoggedRequest> => {
  const { method, path, querystring: query } = context;
  const idempotencyKey = context.get('idempotency-key') || undefined;
  const answer = await answerApi(place, {
    method,
    path,
    query,
    body,
    authorization: context.get('authorization') || undefined,
    idempotencyKey,
  });
  if (answer.cut) {
    context.respond = false;
    context.req.socket.destroy();
  } else {
    context.status = answer.status;
    context.set('request-id', answer.requestId);
    if (idempotencyKey) context.set('idempotency-key', idempotencyKey);
    if (answer.replayed) context.set('idempotent-replayed', 'true');
    context.body = answer.body;
  }
  return { method, path, idempotencyKey: idempotencyKey ?? null, status: answer.status };
};

/** Rejects host names other than localhost, to prevent DNS rebinding by web pages. */
const isForeign = ({ hostname }: Context): boolean => !['localhost', '127.0.0.1'].includes(hostname);

export const createApp = (place: Place): Koa => {
  const requests: LoggedRequest[] = [];
  const app = new Koa();
  app.use(async (context) => {
    const { method, path } = context;
    if (isForeign(context)) context.throw(421, 'This is the local stand-in for Stripe: ask localhost.');
    const body = await readBody(context.req);
    expireDue(place.stand);
    if (path.startsWith('/_dev/')) {
      const origin = context.get('origin') || undefined;
      const { stand, faults, violations } = place;
      const answer = control(
        { state: stand.state, faults, violations, requests },
        { method, path, body, origin },
      );
      context.status = answer.status;
      context.body = answer.body;
    } else if (path.startsWith('/v1/')) {
      requests.push(await serveApi(place, context, body));
      if (requests.length > KEPT_REQUESTS) requests.shift();
    } else servePage(place, context, body);
  });
  return app;
};
