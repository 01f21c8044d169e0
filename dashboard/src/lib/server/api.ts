import { createClient } from '@sentryagent/sdk';
import type { Client } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { config } from './config.ts';
import { visitorAddress } from './visitor.ts';

/** What the API may know of the browser that asks: its session, its address, its name. */
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

/** Hands the API's cookies on to the browser as they are: kit would add attributes that the API left out. */
const passCookies = (event: RequestEvent, response: Response): void => {
  const raw = (text: string) => text;
  for (const line of response.headers.getSetCookie()) {
    const { name, value = '', ...attributes } = event.cookies.parse(line, { decode: raw });
    const { path = '/', httpOnly = false, secure = false, sameSite } = attributes;
    event.cookies.set(name, value, { ...attributes, path, httpOnly, secure, sameSite, encode: raw });
  }
};

/** The API as the signed-in person of this request sees it. */
export const apiFor = (event: RequestEvent): Client =>
  createClient({
    baseUrl: config.apiUrl,
    headers: forwardedHeaders(event),
    // The API gives up what is away within 3 s; a person should not wait for much longer than that.
    timeoutMs: 5_000,
    onResponse: (response) => passCookies(event, response),
  });
