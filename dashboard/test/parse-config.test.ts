import { expect, it } from 'vitest';
import { parseConfig } from '../src/lib/server/parse-config.ts';

const right = {
  API_URL: 'http://localhost:3000',
  PUBLIC_API_URL: 'https://api.example.com',
  ORIGIN: 'https://app.example.com',
  CHECKOUT_ORIGIN: undefined,
  PORTAL_ORIGIN: undefined,
};

it('takes three origins, and Stripe’s where none is set for Checkout and the portal', () => {
  expect(parseConfig(right)).toEqual({
    config: {
      apiUrl: 'http://localhost:3000',
      publicApiUrl: 'https://api.example.com',
      origin: 'https://app.example.com',
      checkoutOrigin: 'https://checkout.stripe.com',
      portalOrigin: 'https://billing.stripe.com',
    },
    problems: [],
  });
});

it.each(['https://pay.example.com', 'http://localhost:12111'])(
  'leads to the Checkout and the portal of %s',
  (origin) => {
    const { config, problems } = parseConfig({ ...right, CHECKOUT_ORIGIN: origin, PORTAL_ORIGIN: origin });
    expect([config.checkoutOrigin, config.portalOrigin, problems]).toEqual([origin, origin, []]);
  },
);

it('names every problem at once and repeats no value', () => {
  const { problems } = parseConfig({
    API_URL: undefined,
    PUBLIC_API_URL: '',
    ORIGIN: 'https://user:hush@app.example.com',
    CHECKOUT_ORIGIN: 'https://checkout.stripe.com/hush',
    PORTAL_ORIGIN: 'hush',
  });
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
    'API_URL',
    'PUBLIC_API_URL',
    'ORIGIN',
    'CHECKOUT_ORIGIN',
    'PORTAL_ORIGIN',
  ]);
  expect(problems.join()).not.toContain('hush');
  const EXAMPLE = 'such as https://api.example.com';
  expect(problems.slice(1, 3)).toEqual([
    `PUBLIC_API_URL is missing: set it to an origin ${EXAMPLE}`,
    `ORIGIN must be an http(s) origin without a path, ${EXAMPLE}`,
  ]);
});

it.each([
  'https://app.example.com/',
  'https://app.example.com/path',
  'ftp://app.example.com',
  'app.example.com',
])('refuses %s', (ORIGIN) => {
  expect(parseConfig({ ...right, ORIGIN }).problems).toHaveLength(1);
});
