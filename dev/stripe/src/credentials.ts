import { unauthorized } from './errors.ts';

const keyOf = (authorization: string): string => {
  const [scheme = '', value = ''] = authorization.split(' ');
  if (scheme.toLowerCase() !== 'basic') return value;
  return Buffer.from(value, 'base64').toString().split(':')[0] ?? '';
};

/** Accepts any test key, by Basic or Bearer. Rejects live keys. */
export const checkKey = (authorization: string | undefined): void => {
  const key = keyOf(authorization ?? '');
  if (/^(sk|rk)_test_\w+$/.test(key)) return;
  if (!key) throw unauthorized('You did not provide an API key.');
  if (/^(sk|rk)_live_/.test(key)) {
    throw unauthorized('This is the local stand-in for Stripe: it takes no live key. Use sk_test_….');
  }
  throw unauthorized('Invalid API Key provided: it must begin with sk_test_ or rk_test_.');
};
