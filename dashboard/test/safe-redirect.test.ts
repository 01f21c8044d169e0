import { describe, expect, it } from 'vitest';
import { isOfOrigin, safeRedirect, signInPath } from '../src/lib/navigation/safe-redirect.ts';

describe('safeRedirect', () => {
  it.each(['/usage', '/agents?cursor=a%2Fb', '/docs#top', '/a/b'])('keeps the path %s', (path) => {
    expect(safeRedirect(path, '/usage')).toBe(path);
  });

  it.each([
    null,
    '',
    'usage',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    'javascript:alert(1)',
    ' /usage',
    '//',
    'http:/usage',
  ])('refuses %j', (target) => {
    expect(safeRedirect(target, '/fallback')).toBe('/fallback');
  });

  it('reads back what signInPath wrote', () => {
    const url = new URL(signInPath('/agents?cursor=a&b=/c'), 'http://localhost');
    expect(safeRedirect(url.searchParams.get('next'), '/usage')).toBe('/agents?cursor=a&b=/c');
  });
});

describe('isOfOrigin', () => {
  const stripe = 'https://checkout.stripe.com';

  it.each([
    [stripe, `${stripe}/c/pay/cs_test_a1#fid`],
    [stripe, 'https://CHECKOUT.stripe.com:443/c/pay/cs_test_a1'],
    ['http://localhost:12111', 'http://localhost:12111/pay/cs_test_a1'],
  ])('%s has the page %s', (origin, url) => {
    expect(isOfOrigin(url, origin)).toBe(true);
  });

  it.each([
    'https://evil.example/c/pay',
    'https://checkout.stripe.com.evil.example/',
    'https://checkout.stripe.com@evil.example/',
    'https://someone@checkout.stripe.com/',
    'https://checkout.stripe.com:8443/',
    'http://checkout.stripe.com/',
    'https://stripe.com/',
    'blob:https://checkout.stripe.com/1',
    'javascript:location="https://checkout.stripe.com/"',
    '//checkout.stripe.com/',
    '/c/pay',
    '',
  ])('and not %j', (url) => {
    expect(isOfOrigin(url, stripe)).toBe(false);
  });
});
