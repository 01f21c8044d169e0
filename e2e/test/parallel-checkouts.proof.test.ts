import { setTimeout as wait } from 'node:timers/promises';
import { ApiError } from '@sentryagent/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../dev/test/support/until.ts';
import { atStripe, becomesPaid, expectOneCharge } from './support/charges.ts';
import { openCheckout, payByHttp } from './support/checkout-page.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

const ROUNDS = 20;
const CLICKS = 50;
const PATIENCE_MS = 180_000;

let stack: SellingStack;
beforeAll(async () => {
  stack = await startSellingStack({ RATE_LIMIT_MAX_REQUESTS: '1000000' });
});
afterAll(() => stack.close());

/** So many clicks at once: the pages that they lead to, or the codes of their refusals. */
const click = (person: SignedUp): Promise<string[]> =>
  Promise.all(
    Array.from({ length: CLICKS }, () =>
      openCheckout(person, PATIENCE_MS).then(
        ({ url }) => url,
        (error: unknown) => {
          if (error instanceof ApiError) return error.code;
          throw error;
        },
      ),
    ),
  );

const checkoutsOf = async ({ tenantId }: SignedUp): Promise<string[]> =>
  (await stack.sql('select status from checkouts where tenant_id = $1 order by id', [tenantId])).map(
    ({ status }) => status as string,
  );

const settled = (person: SignedUp): Promise<void> =>
  until('no checkout is open', async () => !(await checkoutsOf(person)).includes('open'), PATIENCE_MS);

const idOf = (url: string): string => new URL(url).pathname.split('/').at(-1)!;

const expectRefused = (error: unknown): void => {
  expect(error).toMatchObject({ status: 409, code: 'already_subscribed' });
};

it('Parallel checkouts make one subscription', { timeout: 1_200_000 }, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const person = await signUpByHttp(stack);
    const pages = new Set(await click(person));
    const [page, ...others] = pages;
    expect([page, others]).toEqual([expect.stringContaining('/c/pay/'), []]);
    // Clicks go on while it is paid, from two tabs. Each is answered by its page, or by the subscription.
    const [answers] = await Promise.all([click(person), payByHttp(page!), payByHttp(page!)]);
    expect(new Set([page, 'already_subscribed', ...answers])).toEqual(new Set([page, 'already_subscribed']));
    await becomesPaid(person);
    await settled(person);
    expect((await checkoutsOf(person)).filter((status) => status === 'completed')).toHaveLength(1);
    expect((await atStripe(stack, person)).sessions).toHaveLength(1);
    await expectOneCharge(stack, person);
  }
  console.log(`${ROUNDS} rounds of ${2 * CLICKS} clicks: ${ROUNDS} subscriptions, ${ROUNDS} charges`);
});

it('two pages of one tenant that are paid at once make one subscription', { timeout: 600_000 }, async () => {
  const paid = { first: 0, second: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const person = await signUpByHttp(stack);
    const first = await openCheckout(person, PATIENCE_MS);
    // Its run is lost, so that the next click makes another page.
    const run = `checkout/${person.tenantId}/${first.checkoutId}`;
    await stack.billing.temporalCli(['workflow', 'terminate', '-w', run]);
    const again = openCheckout(person, PATIENCE_MS).then(({ url }) => payByHttp(url));
    // The later it is paid, the likelier it is closed already.
    await wait(5 * round);
    await Promise.all([payByHttp(first.url), again.catch((error: unknown) => expectRefused(error))]);
    await becomesPaid(person);
    await settled(person);
    await expectOneCharge(stack, person);
    const { sessions } = await atStripe(stack, person);
    paid[sessions.find(({ status }) => status === 'complete')!.id === idOf(first.url) ? 'first' : 'second'] +=
      1;
  }
  console.log(`${ROUNDS} rounds of two pages: ${paid.first} paid on the first, ${paid.second} on the second`);
});

it('a page that is paid as it expires is paid or expired, never both', { timeout: 600_000 }, async () => {
  const ends = { completed: 0, expired: 0 };
  // Follows the moment at which the payment is as fast as the expiry.
  let delayMs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const person = await signUpByHttp(stack);
    const { checkoutId, url } = await openCheckout(person, PATIENCE_MS);
    const expire = () => stack.billing.ask(`/checkout/sessions/${idOf(url)}/expire`, { method: 'POST' });
    await Promise.all([payByHttp(url), delayMs === 0 ? expire() : wait(delayMs).then(expire)]);
    await settled(person);
    const { status } = await person.api.billing.checkout(checkoutId);
    const [session] = (await atStripe(stack, person)).sessions;
    expect([status, session!.status]).toEqual(
      status === 'completed' ? ['completed', 'complete'] : ['expired', 'expired'],
    );
    ends[status as keyof typeof ends] += 1;
    delayMs = status === 'completed' ? Math.floor(delayMs / 2) : 2 * delayMs + 1;
    if (status === 'expired') {
      expect((await atStripe(stack, person)).invoices).toEqual([]);
      await payByHttp((await openCheckout(person, PATIENCE_MS)).url);
    }
    await becomesPaid(person);
    await expectOneCharge(stack, person);
  }
  expect(Math.min(ends.completed, ends.expired)).toBeGreaterThan(0);
  console.log(`${ROUNDS} pages paid as they expire: ${ends.completed} paid, ${ends.expired} expired`);
});
