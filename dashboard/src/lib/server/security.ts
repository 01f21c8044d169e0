import { text } from '@sveltejs/kit';
import { problemResponse } from './problem-response.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Browsers name the page's origin with every request that changes something: another one is not our page. */
export const isForeignMutation = ({ method, headers }: Request, origin: string): boolean =>
  !safeMethods.has(method) && headers.get('origin') !== origin;

/** The usual honest cause is a second name of this server, so the answer names the right one. */
export const refuseForeign = (request: Request, origin: string): Response => {
  const detail = `This form was sent from another origin. Open ${origin} and try again.`;
  const wantsPage = request.headers.get('accept')?.includes('text/html');
  return wantsPage ? text(detail, { status: 403 }) : problemResponse('origin_not_allowed', detail);
};

/** For answers that kit writes without a policy of their own: its last-resort error page, JSON, text. */
const CLOSED_CSP =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

export interface AnswerKind {
  /** The page is about one tenant: it may be kept nowhere. */
  secret: boolean;
  publicApiUrl: string;
  checkoutOrigin: string;
}

/**
 * Adds what every answer carries; the origins that the policy lets pages reach are known only now. Chromium holds
 * form-action against the redirect that a form is answered with, too: that of "Upgrade to Paid" leads to Checkout.
 */
export const secureHeaders = (
  headers: Headers,
  { secret, publicApiUrl, checkoutOrigin }: AnswerKind,
): void => {
  const policy = headers.get('content-security-policy') ?? CLOSED_CSP;
  headers.set(
    'content-security-policy',
    policy
      .replace("connect-src 'self'", `connect-src 'self' ${publicApiUrl}`)
      .replace("form-action 'self'", `form-action 'self' ${checkoutOrigin}`),
  );
  headers.set('x-content-type-options', 'nosniff');
  headers.set('referrer-policy', 'same-origin');
  if (secret) headers.set('cache-control', 'no-store');
  else if (!headers.has('cache-control')) headers.set('cache-control', 'private, no-cache');
};
