import type { RequestEvent } from '@sveltejs/kit';
import { forwardedHeaders } from './api.ts';
import { readBody } from './body.ts';
import { config } from './config.ts';
import { problemResponse } from './problem-response.ts';

const TIMEOUT_MS = 10_000;

const requestHeaders = ['accept', 'content-type', 'origin'];
const responseHeaders = ['allow', 'content-type', 'retry-after', 'www-authenticate', 'x-request-id'];

const pick = (headers: Headers, names: readonly string[]): Headers => {
  const picked = new Headers();
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) picked.set(name, value);
  }
  return picked;
};

/** Passes the caller's Origin on, because the API checks it again. */
const ask = (event: RequestEvent, body: Blob): Promise<Response> => {
  const headers = new Headers(forwardedHeaders(event));
  headers.delete('origin');
  pick(event.request.headers, requestHeaders).forEach((value, name) => headers.set(name, value));
  return fetch(config.apiUrl + event.url.pathname + event.url.search, {
    method: event.request.method,
    headers,
    body: body.size > 0 ? body : undefined,
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
};

/** Forwards a request to the same path of the API. Browsers connect only to this server. */
export const passOn = async (event: RequestEvent): Promise<Response> => {
  const body = await readBody(event.request);
  if (body === null) return problemResponse('content_too_large');
  const answer = await ask(event, body).catch(() => null);
  if (answer === null) return problemResponse('service_unavailable');
  const headers = pick(answer.headers, responseHeaders);
  for (const line of answer.headers.getSetCookie()) headers.append('set-cookie', line);
  headers.set('cache-control', 'no-store');
  return new Response(answer.body, { status: answer.status, headers });
};
