import { expect, it } from 'vitest';
import { leastScopes, scopeWords } from '../src/lib/agents/scopes.ts';
import { registerWords } from '../src/lib/agents/register-words.ts';
import { checkoutState } from '../src/lib/billing/checkout-state.ts';
import {
  cancellationWords,
  foreignPage,
  portalWords,
  upgradeWords,
} from '../src/lib/billing/problem-words.ts';
import { verificationTitles } from '../src/lib/people/verification-state.ts';
import { problemResponse } from '../src/lib/server/problem-response.ts';
import { secureHeaders } from '../src/lib/server/security.ts';
import { bannerOf } from '../src/lib/usage/banner.ts';
import { freeUsage } from './usage-of.ts';

it('every state of a confirmation has a title of its own words', () => {
  for (const title of Object.values(verificationTitles)) expect(title).toMatch(/^[A-Z][a-z]+( [a-z]+)+$/);
});

it('an open checkout is confirming, even if the tenant pays already', () => {
  expect(checkoutState({ status: 'open' }, { tier: 'paid', status: 'active' })).toBe('confirming');
});

it('a problem is RFC 9457, and no cache keeps it', async () => {
  const response = problemResponse('content_too_large');
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect([response.status, await response.json()]).toEqual([
    413,
    {
      type: 'about:blank',
      title: 'The body is too large',
      status: 413,
      detail: 'Send at most 64 KiB.',
      code: 'content_too_large',
      message: 'Send at most 64 KiB.',
    },
  ]);
});

it.each([
  [true, undefined, 'no-store'],
  [true, 'public, max-age=60', 'no-store'],
  [false, undefined, 'private, no-cache'],
  [false, 'public, max-age=60', 'public, max-age=60'],
])('caches: secret %s, %s is answered with %s', (secret, before, after) => {
  const headers = new Headers(before === undefined ? {} : { 'cache-control': before });
  const stripe = { checkoutOrigin: 'http://pay.test', portalOrigin: 'http://portal.test' };
  secureHeaders(headers, { secret, publicApiUrl: 'http://api.test', ...stripe });
  expect(headers.get('cache-control')).toBe(after);
});

it('calls stop at the limit of the Free tier alone', () => {
  const { metrics, ...usage } = freeUsage(1_000);
  const of = (tier: 'free' | 'paid', limit: number | null) =>
    bannerOf({
      ...usage,
      warning: false,
      tier,
      metrics: { ...metrics, api_calls: { ...metrics.api_calls, limit } },
    } as never);
  expect([of('free', 1_000), of('free', null), of('paid', 1_000)]).toEqual(['stopped', 'none', 'none']);
});

it('what a page says instead of the API is whole sentences', () => {
  const all = [
    ...Object.values(upgradeWords),
    ...Object.values(portalWords),
    ...Object.values(cancellationWords),
    ...Object.values(registerWords),
    ...Object.values(scopeWords),
    foreignPage.upgrade,
    foreignPage.portal,
  ];
  for (const words of all) expect(words).toMatch(/^[A-Z].+\.$/);
  expect(new Set(all).size).toBe(all.length);
  expect(leastScopes).toEqual(['agents:read']);
});

it.each([
  ['origin_not_allowed', 403, /Open the dashboard at its own URL/],
  ['content_too_large', 413, /at most 64 KiB/],
  ['service_unavailable', 503, /Please try again in a moment/],
] as const)('the problem %s has the status %i, a title and what to do', async (code, status, words) => {
  const response = problemResponse(code);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({
    ...{ status, code, title: expect.stringMatching(/^[A-Z].+[a-z]$/) },
    detail: expect.stringMatching(words),
  });
});
