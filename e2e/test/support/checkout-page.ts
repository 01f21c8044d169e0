import type { Page } from 'playwright-core';

export const CARDS = { good: '4242 4242 4242 4242', declined: '4000 0000 0000 0002' } as const;

/** Fills Stripe's page in and sends it, as a browser without JavaScript would. */
export const payByHttp = (url: string, card: string = CARDS.good): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body: new URLSearchParams({
      email: 'ada@example.com',
      cardNumber: card,
      expiry: '12 / 34',
      cvc: '123',
      name: 'Ada',
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
  await page.getByRole('button', { name: /Pay and subscribe|Start trial/ }).click();
};
