import { expect, it } from 'vitest';
import { returnNotice } from '../src/lib/billing/return-notice.ts';

it.each([
  ['completed', 'paid', 'welcome'],
  ['completed', 'free', null],
  ['cancelled', 'free', 'left'],
  ['cancelled', 'paid', null],
  ['paid', 'paid', null],
  ['', 'free', null],
  [null, 'free', null],
  [null, 'paid', null],
] as const)('?checkout=%s on %s says %s', (checkout, tier, notice) => {
  expect(returnNotice(checkout, tier)).toBe(notice);
});
