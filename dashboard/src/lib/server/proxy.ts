import type { RequestEvent } from '@sveltejs/kit';
import { forwardedHeaders } from './api.ts';
import { config } from './config.ts';
import { problemResponse } from './problem-response.ts';

const BODY_LIMIT = 64 * 1024;
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

/**
 * The body, or `null` where it is larger than the limit: no more than that is ever held. The rest is read and dropped,
 * because a stream that is left ends the connection before the answer.
 */
const readBody = async ({ body }: Request): Promise<Blob | null> => {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size <= BODY_LIMIT) chunks.push(chunk);
  }
  return size <= BODY_LIMIT ? new Blob(chunks) : null;
};

/** The caller's own Origin goes along where it sent one: the API judges it again. */
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

/** Passes a request on to the same path of the API: browsers speak to this server alone. */
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
