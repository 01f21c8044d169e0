import { ApiError } from '@sentryagent/sdk';
import type { StartedCheckout } from '@sentryagent/sdk';
import type { Page } from 'playwright-core';
import type { SignedUp } from './people.ts';
import { until } from '../../../dev/test/support/until.ts';

export const CARDS = { good: '4242 4242 4242 4242', declined: '4000 0000 0000 0002' } as const;

/** What an invoice shows. */
const ADDRESS = { line1: '1 Main Street', city: 'Springfield', postalCode: '12345', country: 'US' };

/** Fills Stripe's page in and sends it, as a browser without JavaScript would. */
export const payByHttp = (
  url: string,
  card: string = CARDS.good,
  more: Record<string, string> = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body: new URLSearchParams({
      email: 'ada@example.com',
      cardNumber: card,
      expiry: '12 / 34',
      cvc: '123',
      name: 'Ada',
      ...ADDRESS,
      ...more,
    }),
    redirect: 'manual',
  });

/** The same by hand: types the card and presses the button. */
export const payOnPage = async (page: Page, card: string): Promise<void> => {
  const email = page.getByLabel('Email');
  if ((await email.count()) > 0 && (await email.inputValue()) === '') await email.fill('ada@example.com');
  await page.getByLabel('Card number').fill(card);
  await page.getByLabel('Expiry').fill('12 / 34');
  await page.getByLabel('CVC').fill('123');
  await page.getByLabel('Name on card').fill('Ada');
  for (const [name, value] of Object.entries(ADDRESS)) await page.locator(`input[name=${name}]`).fill(value);
  await page.getByRole('button', { name: /Pay and subscribe|Start trial/ }).click();
};

/** Clicks again for as long as it is 503: a machine that is busy with tests may need more than the promised seconds. */
export const openCheckout = async ({ api }: Pick<SignedUp, 'api'>): Promise<StartedCheckout> => {
  let answer: StartedCheckout | ApiError | undefined;
  await until(
    'a page is answered',
    async () => {
      answer = await api.billing.startCheckout().catch((error: unknown) => error as ApiError);
      return !(answer instanceof ApiError && answer.status === 503);
    },
    30_000,
  );
  if (answer instanceof ApiError || !answer) throw answer;
  return answer;
};
