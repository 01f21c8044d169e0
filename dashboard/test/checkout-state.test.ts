import { describe, expect, it } from 'vitest';
import { checkoutState, followCheckout as follow } from '../src/lib/billing/checkout-state.ts';

it.each([
  ['open', undefined, 'confirming'],
  ['processing', undefined, 'processing'],
  ['completed', { tier: 'free', status: 'active' }, 'confirming'],
  ['completed', { tier: 'free', status: 'cancelled' }, 'over'],
  ['completed', { tier: 'free', status: 'payment_failed' }, 'over'],
  ['failed', { tier: 'free', status: 'active' }, 'failed'],
  ['failed', { tier: 'paid', status: 'active' }, 'paid'],
  ['completed', { tier: 'paid', status: 'active' }, 'paid'],
  ['expired', { tier: 'free', status: 'active' }, 'expired'],
  ['expired', { tier: 'paid', status: 'trial' }, 'paid'],
] as const)('a checkout that is %s, of a tenant with %j, is %s', (status, usage, state) => {
  expect(checkoutState({ status }, usage)).toBe(state);
});

const followCheckout = (fetch: typeof globalThis.fetch, checkoutId: string, query = '') =>
  follow(fetch, checkoutId, new URL(`http://dashboard.test/${query}`));

describe('coming back from a checkout', () => {
  const asked: string[] = [];
  const answering =
    (body: unknown, status = 200): typeof fetch =>
    async (path) => {
      asked.push(String(path));
      return Response.json(body, { status });
    };

  it.each(['confirming', 'processing', 'failed', 'expired'])('stays while it is %s', async (state) => {
    expect(await followCheckout(answering({ state }), 'chk_1')).toBe(state);
  });

  it('leads to the Usage tab once the tenant is paid', async () => {
    await expect(followCheckout(answering({ state: 'paid' }), 'chk_1')).rejects.toMatchObject({
      status: 303,
      location: '/usage?checkout=completed',
    });
  });

  it('leads to the Billing page, without a welcome, where the subscription has ended since', async () => {
    await expect(followCheckout(answering({ state: 'over' }), 'chk_1')).rejects.toMatchObject({
      status: 303,
      location: '/billing',
    });
  });

  it.each([
    ['?returnTo=/billing', '/billing?checkout=completed'],
    ['?returnTo=%2Fusage%3Frange%3D7', '/usage?range=7&checkout=completed'],
    ['?returnTo=https://evil.example', '/usage?checkout=completed'],
    ['?returnTo=//evil.example', '/usage?checkout=completed'],
    ['?returnTo=/%5Cevil.example', '/usage?checkout=completed'],
  ])('A checkout returns to where it was started: %s leads to %s', async (query, location) => {
    await expect(followCheckout(answering({ state: 'paid' }), 'chk_1', query)).rejects.toMatchObject({
      location,
    });
  });

  it('stays, and grants nothing, while the API or the dashboard is away', async () => {
    expect(await followCheckout(answering({ code: 'service_unavailable' }, 503), 'chk_1')).toBe('away');
    expect(await followCheckout(() => Promise.reject(new TypeError('fetch failed')), 'chk_1')).toBe('away');
    expect(await followCheckout(async () => new Response('<h1>Bad gateway</h1>'), 'chk_1')).toBe('away');
  });

  it.each([400, 404])('is no page for an id that is not the tenant’s (%i)', async (status) => {
    await expect(followCheckout(answering({}, status), 'chk_1')).rejects.toMatchObject({
      status: 404,
      body: { message: 'This checkout does not exist. Start a new one on the Billing page.' },
    });
  });

  it('leads to the sign-in page and back when the session has ended', async () => {
    await expect(followCheckout(answering({}, 401), 'chk_1')).rejects.toMatchObject({
      location: '/sign-in?next=%2Fusage%2Fcheckouts%2Fchk_1',
    });
  });

  it('keeps the page to return to through a sign-in', async () => {
    await expect(followCheckout(answering({}, 401), 'chk_1', '?returnTo=/billing')).rejects.toMatchObject({
      location: '/sign-in?next=%2Fusage%2Fcheckouts%2Fchk_1%3FreturnTo%3D%2Fbilling',
    });
  });

  it('asks for the id as one part of the path', async () => {
    await followCheckout(answering({ state: 'expired' }), '../../agents?x=1');
    expect(asked.at(-1)).toBe('/usage/checkouts/..%2F..%2Fagents%3Fx%3D1/now');
  });
});
