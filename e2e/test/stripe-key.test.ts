import { expect, it } from 'vitest';
import { testKeyOf } from './support/stripe-account.ts';

it.each(['sk_live_1', 'rk_live_1', 'pk_test_1', 'sk_test_', ' sk_test_1', 'whsec_1'])(
  'Only a test key runs the billing scenarios, not %s',
  (key) => {
    expect(() => testKeyOf({ STRIPE_TEST_SECRET_KEY: key })).toThrow('must be a key of test mode');
  },
);

it('Only a test key runs the billing scenarios, and none means the stand-in', () => {
  expect(testKeyOf({ STRIPE_TEST_SECRET_KEY: 'sk_test_1a' })).toBe('sk_test_1a');
  expect(testKeyOf({ STRIPE_TEST_SECRET_KEY: 'rk_test_1a' })).toBe('rk_test_1a');
  expect([testKeyOf({}), testKeyOf({ STRIPE_TEST_SECRET_KEY: '' })]).toEqual([undefined, undefined]);
});
