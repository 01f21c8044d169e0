import type { Page } from 'playwright-core';
import { becomesPaid } from '../support/charges.ts';
import { ACCOUNTS, CARDS, openCheckout, payByBank, payByHttp } from '../support/checkout-page.ts';
import type { SignedUp } from '../support/people.ts';
import { until } from '../../../dev/test/support/until.ts';
import { go, headed, newcomer, open, picture, press, pressInDialog } from './studio.ts';
import type { Studio } from './studio.ts';

const paidPerson = async (studio: Studio, name: string): Promise<SignedUp> => {
  const person = await newcomer(studio, name);
  await payByHttp((await openCheckout(person)).url);
  await becomesPaid(person);
  return person;
};

/** As if a read from Stripe had found this. */
const setSubscription = ({ stack }: Studio, person: SignedUp, columns: Record<string, unknown>) => {
  const names = Object.keys(columns);
  const assignments = names.map((name, index) => `${name} = $${index + 2}`).join(', ');
  return stack.sql(`update tenant_subscriptions set ${assignments} where tenant_id = $1`, [
    person.tenantId,
    ...Object.values(columns),
  ]);
};

/** Presses again while a part of the platform is too busy to answer in time, which the page says. */
const upgrade = async (page: Page): Promise<void> => {
  const refusal = page.getByRole('alert').filter({ hasText: 'could not be' });
  for (let tries = 0; tries < 5; tries++) {
    await press(page, 'Upgrade to Paid');
    const arrived = page.waitForURL('**/c/pay/cs_test_*').then(() => true);
    const refused = refusal.waitFor().then(() => false);
    for (const outcome of [arrived, refused]) outcome.catch(() => undefined);
    if (await Promise.race([arrived, refused])) return;
  }
  throw new Error('The checkout did not open');
};

export const walkPurchase = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'radia');
  const page = await open(studio, person, '/billing');
  await picture(studio, page, 'billing-free', 'Billing of a Free tenant.');
  await upgrade(page);
  await page.getByRole('link', { name: /Back/ }).click();
  await page.waitForURL('**/billing?checkout=cancelled');
  await picture(studio, page, 'billing-left', 'The checkout was left without paying. It can be continued.');
  await upgrade(page);
  const answer = await payByHttp(page.url(), CARDS.good);
  await becomesPaid(person);
  await go(studio, page, answer.headers.get('location')!);
  await page.waitForURL('**/billing?checkout=completed');
  await picture(studio, page, 'billing-welcome', 'Back from Stripe: the tenant is on Paid.');
  await go(studio, page, '/billing');
  await picture(studio, page, 'billing-paid', 'Billing of a paid tenant: next charge, card, invoices.');
  await go(studio, page, '/billing?dialog=cancel');
  await picture(studio, page, 'billing-cancel', 'Cancelling says what changes and when.');
  await pressInDialog(page, 'Cancel subscription');
  await page.waitForURL('**/billing?done=cancelled');
  await picture(studio, page, 'billing-ending', 'The subscription is cancelled and ends with the period.');
  await page.getByRole('link', { name: 'Resume subscription' }).click();
  await page.getByRole('dialog').waitFor();
  await picture(studio, page, 'billing-resume', 'Resuming says what will be charged.');
  await pressInDialog(page, 'Resume subscription');
  await page.waitForURL('**/billing?done=resumed');
  await picture(studio, page, 'billing-resumed', 'The subscription continues.');
  await page.context().close();
};

const END = '2027-02-11T09:30:00Z';
const card = { card_brand: 'visa', card_last4: '4242', card_exp_month: 1, card_exp_year: 2030 };
const charge = { next_amount: 4_900, next_currency: 'usd' };
const paid = { tier: 'paid', subscription_id: 'sub_1', ...card };
const free = { tier: 'free', subscription_id: 'sub_1', ...card };

const unset = {
  ...{ ends_at: null, renews_at: null, grace_ends_at: null, is_cancelling: false },
  ...{ next_amount: null, next_currency: null },
};

const states: readonly [string, Record<string, unknown>, string][] = [
  [
    'trial',
    { ...paid, ...charge, status: 'trial', ends_at: END },
    'A trial: when it ends and what is charged.',
  ],
  [
    'trial-cancelled',
    { ...paid, status: 'trial', ends_at: END, is_cancelling: true },
    'A trial that was cancelled.',
  ],
  [
    'past-due',
    { ...paid, status: 'past_due', grace_ends_at: END },
    'A payment failed: Paid goes on for some days.',
  ],
  [
    'payment-failed',
    { ...free, status: 'payment_failed' },
    'The days are over: Free until the payment is fixed.',
  ],
  ['paused', { ...free, status: 'paused' }, 'A paused subscription.'],
  ['cancelled', { ...free, status: 'cancelled' }, 'A subscription that has ended.'],
  [
    'card-expires',
    { ...paid, ...charge, status: 'active', renews_at: END, card_exp_month: 12, card_exp_year: 2020 },
    'The card has expired.',
  ],
];

export const walkStates = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'states');
  const customer = `cus_of${person.tenantId}`;
  await studio.stack.sql('insert into stripe_customers values ($1, $2)', [person.tenantId, customer]);
  const page = await open(studio, person, '/billing');
  for (const [name, columns, shows] of states) {
    await setSubscription(studio, person, { ...unset, ...columns });
    await go(studio, page, '/billing');
    await picture(studio, page, `billing-${name}`, shows);
  }
  await setSubscription(studio, person, { ...unset, ...free, status: 'payment_failed' });
  await go(studio, page, '/usage');
  await picture(studio, page, 'usage-payment-failed', 'Usage while a payment has failed.');
  await go(studio, page, '/pricing');
  await picture(studio, page, 'pricing-payment-failed', 'Pricing while a payment has failed.');
  await setSubscription(studio, person, { ...unset, ...paid, status: 'past_due', grace_ends_at: END });
  await go(studio, page, '/usage');
  await picture(studio, page, 'usage-past-due', 'Usage of a paid tenant with a failed payment.');
  await page.context().close();
};

/** A bank debit settles days later. */
export const walkBankDebit = async (studio: Studio): Promise<void> => {
  const { stack } = studio;
  const person = await newcomer(studio, 'patient');
  const { url, checkoutId } = await openCheckout(person);
  const page = await open(studio, person, `/usage/checkouts/${checkoutId}`);
  await picture(studio, page, 'checkout-open', 'A checkout that is not paid yet.');
  await payByBank(url, ACCOUNTS.good);
  await until('it is processing', async () => {
    const { status } = await person.api.billing.checkout(checkoutId);
    return status === 'processing';
  });
  await go(studio, page, `/usage/checkouts/${checkoutId}`);
  await headed(page, 'Your payment is processing');
  await picture(studio, page, 'checkout-processing', 'The bank is still settling the payment.');
  await go(studio, page, '/billing');
  await picture(studio, page, 'billing-processing', 'Billing meanwhile: no second purchase.');
  const [row] = await stack.sql('select customer_id from stripe_customers where tenant_id = $1', [
    person.tenantId,
  ]);
  const { data } = await stack.billing.ask<{ data: { id: string }[] }>(
    `/invoices?customer=${row!.customer_id as string}`,
  );
  await stack.billing.dev(`/invoices/${data[0]!.id}/settle?outcome=fail`, { method: 'POST' });
  await until('it failed', async () => (await person.api.billing.checkout(checkoutId)).status === 'failed');
  await go(studio, page, `/usage/checkouts/${checkoutId}`);
  await picture(studio, page, 'checkout-failed', 'The payment failed: nothing was charged.');
  await page.context().close();
};

const walkMember = async (studio: Studio, person: SignedUp): Promise<void> => {
  await studio.stack.sql(`update members set role = 'member' where tenant_id = $1`, [person.tenantId]);
  const page = await open(studio, person, '/billing');
  await picture(studio, page, 'billing-member', 'Billing of a member, who may not change it.');
  await page.context().close();
};

/** It moves Stripe's time. */
export const walkInvoices = async (studio: Studio): Promise<void> => {
  const { billing, sql } = studio.stack;
  const person = await paidPerson(studio, 'loyal');
  await billing.dev('/advance?days=340', { method: 'POST' });
  const [row] = await sql('select customer_id from stripe_customers where tenant_id = $1', [person.tenantId]);
  const { data } = await billing.ask<{ data: { id: string }[] }>(
    `/charges?customer=${row!.customer_id as string}&limit=100`,
  );
  const [newest, second, third] = data;
  await billing.dev(`/charges/${newest!.id}/refund`, { method: 'POST' });
  await billing.dev(`/charges/${second!.id}/refund?amount=1050`, { method: 'POST' });
  await billing.dev(`/charges/${third!.id}/dispute`, { method: 'POST' });
  const page = await open(studio, person, '/billing');
  await picture(studio, page, 'billing-invoices', 'Invoices of a year: refunds, a dispute, more pages.');
  await page.context().close();
  await walkMember(studio, person);
};

/** Last, because parts are stopped. */
export const walkFailures = async (studio: Studio): Promise<void> => {
  const { stack } = studio;
  const person = await newcomer(studio, 'unlucky');
  const page = await open(studio, person, '/billing');
  await stack.billing.stripe.stop();
  await press(page, 'Upgrade to Paid');
  await page.getByRole('main').getByRole('alert').waitFor();
  await picture(studio, page, 'billing-unavailable', 'The checkout could not be opened.');
  await stack.billing.stripe.start();
  await stack.stopApi();
  try {
    await page.goto(`${stack.dashboardUrl}/agents`);
    await picture(studio, page, 'console-unavailable', 'The API is unavailable. The page retries by itself.');
    await page.goto(`${stack.dashboardUrl}/pricing`);
    await picture(studio, page, 'site-unavailable', 'Pricing while the API is unavailable.');
  } finally {
    await stack.startApi();
  }
  await page.context().close();
};
