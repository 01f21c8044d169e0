import { describe, expect, it } from 'vitest';
import { safeRedirect, signInPath } from '../src/lib/navigation/safe-redirect.ts';

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
