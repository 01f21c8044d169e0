import { text } from '@sveltejs/kit';
import { problemResponse } from './problem-response.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Browsers send the page's origin with every request that changes data. Another origin is not our page. */
export const isForeignMutation = ({ method, headers }: Request, origin: string): boolean =>
  !safeMethods.has(method) && headers.get('origin') !== origin;

/** The usual cause is a second host name of this server, so the response contains the right origin. */
export const refuseForeign = (request: Request, origin: string): Response => {
  const detail = `This form was sent from another origin. Open ${origin} and try again.`;
  const wantsPage = request.headers.get('accept')?.includes('text/html');
  return wantsPage ? text(detail, { status: 403 }) : problemResponse('origin_not_allowed', detail);
};

/** For responses to which kit adds no policy: its fallback error page, JSON and text. */
const CLOSED_CSP =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

export interface AnswerKind {
  /** The page has data of a tenant, so it must not be cached. */
  secret: boolean;
  publicApiUrl: string;
  checkoutOrigin: string;
  portalOrigin: string;
}

/**
 * Adds the headers of every response. The policy's origins are runtime settings, so they are added here. Chromium applies
 * `form-action` to redirects too, and our forms redirect to Checkout and to the billing portal.
 */
export const secureHeaders = (
  headers: Headers,
  { secret, publicApiUrl, checkoutOrigin, portalOrigin }: AnswerKind,
): void => {
  const policy = headers.get('content-security-policy') ?? CLOSED_CSP;
  headers.set(
    'content-security-policy',
    policy
      .replace("connect-src 'self'", `connect-src 'self' ${publicApiUrl}`)
      .replace("form-action 'self'", `form-action 'self' ${checkoutOrigin} ${portalOrigin}`),
  );
  headers.set('x-content-type-options', 'nosniff');
  headers.set('referrer-policy', 'same-origin');
  if (secret) headers.set('cache-control', 'no-store');
  else if (!headers.has('cache-control')) headers.set('cache-control', 'private, no-cache');
};
