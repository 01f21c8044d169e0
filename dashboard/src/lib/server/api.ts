import { createClient, type Client } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { config } from './config.ts';
import { visitorAddress } from './visitor.ts';

/** What the API gets from the browser's request: the session cookie, the address and the user agent. */
export const forwardedHeaders = (event: RequestEvent): Record<string, string> => {
  const cookie = event.request.headers.get('cookie');
  const userAgent = event.request.headers.get('user-agent');
  const address = visitorAddress(event);
  return {
    origin: config.origin,
    ...(address && { 'x-forwarded-for': address }),
    ...(cookie && { cookie }),
    ...(userAgent && { 'user-agent': userAgent }),
  };
};

/** Passes the API's cookies to the browser unchanged. By default, kit adds attributes that the API omitted. */
const passCookies = (event: RequestEvent, response: Response): void => {
  const raw = (text: string) => text;
  for (const line of response.headers.getSetCookie()) {
    const { name, value = '', ...attributes } = event.cookies.parse(line, { decode: raw });
    const { path = '/', httpOnly = false, secure = false, sameSite } = attributes;
    event.cookies.set(name, value, { ...attributes, path, httpOnly, secure, sameSite, encode: raw });
  }
};

/** An API client with the session of this request. `onResponse` is called with every response. */
export const apiFor = (event: RequestEvent, onResponse?: (response: Response) => void): Client =>
  createClient({
    baseUrl: config.apiUrl,
    headers: forwardedHeaders(event),
    // The API returns 503 within 3 s if a server is unavailable. Allow 2 s more.
    timeoutMs: 5_000,
    onResponse: (response) => {
      passCookies(event, response);
      onResponse?.(response);
    },
  });
