import type { StartedCheckout } from '@sentryagent/sdk';
import type { Page } from 'playwright-core';
import { insist } from './insist.ts';
import type { SignedUp } from './people.ts';

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

/** Bank accounts of the test mode. */
export const ACCOUNTS = { good: '000123456789', returned: '000222222227' } as const;

/** The same, by a bank debit that is settled later. */
export const payByBank = (url: string, account: string): Promise<Response> =>
  payByHttp(url, undefined, {
    by: 'bank',
    routingNumber: '110000000',
    accountNumber: account,
    holder: 'Ada',
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

/** Clicks again for as long as it is 503. */
export const openCheckout = ({ api }: Pick<SignedUp, 'api'>, boundMs?: number): Promise<StartedCheckout> =>
  insist(() => api.billing.startCheckout(), boundMs);
