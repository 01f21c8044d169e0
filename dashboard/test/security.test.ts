import { describe, expect, it } from 'vitest';
import { isForeignMutation, refuseForeign, secureHeaders } from '../src/lib/server/security.ts';

const origin = 'https://app.example.com';

const pages = {
  publicApiUrl: 'https://api.example.com',
  checkoutOrigin: 'https://checkout.stripe.com',
  portalOrigin: 'https://billing.stripe.com',
};

const request = (method: string, headers: Record<string, string> = {}) =>
  new Request(`${origin}/sign-in`, { method, headers });

describe('a mutation is foreign', () => {
  it.each([
    ['from another origin', { origin: 'https://evil.example' }],
    ['from another scheme', { origin: 'http://app.example.com' }],
    ['from a sandboxed page', { origin: 'null' }],
    ['without an origin', {}],
    ['with JSON too', { origin: 'https://evil.example', 'content-type': 'application/json' }],
  ])('%s', (_case, headers: Record<string, string>) => {
    expect(isForeignMutation(request('POST', headers), origin)).toBe(true);
    expect(isForeignMutation(request('DELETE', headers), origin)).toBe(true);
  });

  it('and neither our own nor a reading one', () => {
    expect(isForeignMutation(request('POST', { origin }), origin)).toBe(false);
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      expect(isForeignMutation(request(method, { origin: 'https://evil.example' }), origin)).toBe(false);
    }
  });
});

it('tells a browser which address to open, and a script a problem', async () => {
  const page = refuseForeign(request('POST', { accept: 'text/html,*/*' }), origin);
  expect([page.status, await page.text()]).toEqual([403, expect.stringContaining(origin)]);
  const problem = refuseForeign(request('POST', { accept: 'application/json' }), origin);
  const detail = `This form was sent from another origin. Open ${origin} and try again.`;
  expect(await problem.json()).toMatchObject({ status: 403, code: 'origin_not_allowed', detail });
  expect(await refuseForeign(request('POST'), origin).json()).toMatchObject({ detail });
});

it('lets pages connect to the public API and a form lead to Stripe, and keeps the rest of their policy', () => {
  const headers = new Headers({
    'content-security-policy': "default-src 'self'; connect-src 'self'; form-action 'self'; img-src 'self'",
  });
  secureHeaders(headers, { ...pages, secret: false });
  expect(headers.get('content-security-policy')).toBe(
    [
      "default-src 'self'",
      "connect-src 'self' https://api.example.com",
      "form-action 'self' https://checkout.stripe.com https://billing.stripe.com",
      "img-src 'self'",
    ].join('; '),
  );
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('same-origin');
});

it('closes what has no policy, and keeps a tenant’s pages out of every store', () => {
  const headers = new Headers({ 'cache-control': 'max-age=60' });
  secureHeaders(headers, { ...pages, secret: true });
  expect(headers.get('content-security-policy')).toBe(
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  );
  expect(headers.get('cache-control')).toBe('no-store');
});
