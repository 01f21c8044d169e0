import type { IncomingMessage } from 'node:http';
import Koa from 'koa';
import type { Context } from 'koa';
import { answerApi } from './api.ts';
import { doDue } from './clock-runs.ts';
import { control } from './dev-controls.ts';
import type { LoggedRequest } from './dev-controls.ts';
import type { Faults } from './faults.ts';
import type { Idempotency } from './idempotency.ts';
import { pageOf } from './pages.ts';
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

const servePage = ({ stand, changed }: Place, context: Context, body: string): void => {
  const { method, path, query } = context;
  const page = pageOf(stand, { method, path, query, body });
  changed();
  context.status = page.status;
  if ('location' in page) {
    // Browsers allow a form of ours to lead to the host that they have asked, so not from 127.0.0.1 to localhost.
    const { location } = page;
    context.set('location', location.startsWith('/') ? `http://${context.host}${location}` : location);
    context.body = '';
  } else if ('content' in page) {
    context.attachment(page.name);
    context.type = page.type;
    context.body = page.content;
  } else {
    context.set(page.headers);
    context.body = page.html;
  }
};

/** A button of our own page goes back to it. */
const serveControl = (
  { stand, faults, violations, changed }: Place,
  context: Context,
  request: { body: string; requests: LoggedRequest[] },
): void => {
  const { method, path, querystring: query } = context;
  const origin = context.get('origin') || undefined;
  const isOwn = origin === `http://${context.host}`;
  const answer = control(
    { stand, faults, violations, requests: request.requests },
    { method, path, query, body: request.body, isForeign: origin !== undefined && !isOwn },
  );
  changed();
  if (isOwn && answer.status === 200) context.redirect('/');
  else Object.assign(context, { status: answer.status, body: answer.body });
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
    const { path } = context;
    if (isForeign(context)) context.throw(421, 'This is the local stand-in for Stripe: ask localhost.');
    const body = await readBody(context.req);
    doDue(place.stand);
    if (path.startsWith('/_dev/')) serveControl(place, context, { body, requests });
    else if (path.startsWith('/v1/')) {
      requests.push(await serveApi(place, context, body));
      if (requests.length > KEPT_REQUESTS) requests.shift();
    } else servePage(place, context, body);
  });
  return app;
};
