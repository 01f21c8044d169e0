import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, openEntry, startBrowser, visit } from './support/browser.ts';
import { becomesPaid } from './support/charges.ts';
import { CARDS, openCheckout, payByHttp, payOnPage } from './support/checkout-page.ts';
import { checkPage, expectAccessible, shoot } from './support/fit.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { until } from '../../dev/test/support/until.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

let stack: SellingStack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([
    startSellingStack({ RATE_LIMIT_MAX_REQUESTS: '1000000' }),
    startBrowser(),
  ]);
}, 180_000);
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const openAs = async (person: SignedUp, path: string, options: BrowserContextOptions = {}): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  await person.enter(context);
  const page = await context.newPage();
  await visit(page, stack.dashboardUrl + path);
  return page;
};

const textOf = async (page: Page): Promise<string> =>
  (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');

const button = (page: Page, name: string) => page.getByRole('main').getByRole('button', { name });

/** Presses again while a part of the platform is too busy to answer in time, which the page says. */
const press = async (page: Page, name: string, url: string): Promise<void> => {
  const failed = page.getByRole('alert').filter({ hasText: 'could not be' });
  for (let tries = 0; tries < 5; tries++) {
    await button(page, name).last().click();
    const arrived = page.waitForURL(url).then(() => true);
    const refused = failed.waitFor().then(() => false);
    arrived.catch(() => undefined);
    refused.catch(() => undefined);
    if (await Promise.race([arrived, refused])) return;
  }
  throw new Error(`${name} did not lead to ${url}`);
};

const longDay = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' });
const mediumDay = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });
const dayOf = (iso: string | null): string => longDay.format(new Date(iso!));

const paidPerson = async (): Promise<SignedUp> => {
  const person = await signUpByHttp(stack);
  await payByHttp((await openCheckout(person)).url);
  await becomesPaid(person);
  return person;
};

/** As if a read from Stripe had found this. */
const setSubscription = (person: SignedUp, columns: Record<string, unknown>) => {
  const names = Object.keys(columns);
  const assignments = names.map((name, index) => `${name} = $${index + 2}`).join(', ');
  return stack.sql(`update tenant_subscriptions set ${assignments} where tenant_id = $1`, [
    person.tenantId,
    ...Object.values(columns),
  ]);
};

const addCustomer = ({ tenantId }: SignedUp) =>
  stack.sql('insert into stripe_customers values ($1, $2)', [tenantId, `cus_of${tenantId}`]);

const setCheckout = ({ tenantId }: SignedUp, status: string) =>
  stack.sql(
    `insert into checkouts (id, tenant_id, created_by, created_at, status, closed_at)
     values ($1, $2, 'usr_0', now(), $3, case when $3 in ('open', 'processing') then null else now() end)`,
    [`chk_${tenantId.slice(4)}`, tenantId, status],
  );

describe('from Free to Paid', () => {
  it('The Billing page follows a purchase. A checkout returns to where it was started', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person, '/usage');
    await openEntry(page, 'Billing');
    await page.waitForURL('**/billing');
    const before = await textOf(page);
    expect(before).toMatch(
      /Free, active .*You are on the Free plan.*Paid is \$49 a month\. Unlimited agents/,
    );
    expect(before).toMatch(/No card yet.*No invoices/);
    await checkPage(page, 'free');
    await press(page, 'Upgrade to Paid', '**/c/pay/cs_test_*');
    await page.getByRole('link', { name: /Back/ }).click();
    await page.waitForURL('**/billing?checkout=cancelled');
    expect(await textOf(page)).toMatch(/You left the checkout without paying.*You started a checkout/);
    await press(page, 'Upgrade to Paid', '**/c/pay/cs_test_*');
    await payOnPage(page, CARDS.good);
    await page.waitForURL('**/billing?checkout=completed');
    await page.getByText('Welcome to Paid.').waitFor();

    const { renewsAt, nextCharge } = await person.api.billing.subscription();
    expect(nextCharge).toMatchObject({ amount: 4_900, at: renewsAt });
    const { data } = await person.api.billing.invoices();
    const after = await textOf(page);
    expect(after).toContain('Paid, active');
    expect(after).toContain(`Your subscription renews on ${dayOf(renewsAt)} (UTC).`);
    expect(after).toContain(`Next charge $49 on ${dayOf(renewsAt)} (UTC)`);
    expect(after).toMatch(/Visa •••• 4242 Valid until 12 \/ 2034/);
    expect(await button(page, 'Upgrade to Paid').count()).toBe(0);
    const row = page.getByRole('row').filter({ hasText: data[0]!.number! });
    const { periodStart, periodEnd } = data[0]!;
    const period = mediumDay.formatRange(new Date(periodStart), new Date(Date.parse(periodEnd) - 1));
    expect((await row.innerText()).replaceAll(/\s+/g, ' ')).toContain(
      `${period.replaceAll(/\s+/g, ' ')} $49 Paid 0 API calls, 0 tokens View`,
    );
    await checkPage(page, 'paid');
    const pdf = await row.getByRole('link', { name: /^PDF/ }).getAttribute('href');
    expect((await fetch(pdf!)).headers.get('content-type')).toBe('application/pdf');
    await row.getByRole('link', { name: /^View/ }).click();
    expect(await page.locator('body').innerText()).toContain(data[0]!.number!);
    await page.context().close();
  });

  it('A checkout returns to where it was started, on Pricing without JavaScript', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person, '/pricing', { javaScriptEnabled: false });
    await press(page, 'Upgrade to Paid', '**/c/pay/cs_test_*');
    await payOnPage(page, CARDS.good);
    await page.waitForURL('**/pricing?checkout=completed');
    expect(await textOf(page)).toMatch(/Welcome to Paid.*Current plan/);
    await page.context().close();
  });
});

describe('a change of mind', () => {
  it.each([true, false])(
    'A cancellation is confirmed and taken back, with JavaScript: %s',
    async (javaScriptEnabled) => {
      const person = await paidPerson();
      const { renewsAt } = await person.api.billing.subscription();
      const end = `${dayOf(renewsAt)} (UTC)`;
      const page = await openAs(person, '/billing', { javaScriptEnabled });
      const dialog = page.getByRole('dialog');
      await page.getByRole('link', { name: 'Cancel subscription' }).click();
      await page.waitForURL('**/billing?dialog=cancel');
      const said = (await page.locator('.dialog').innerText()).replaceAll(/\s+/g, ' ');
      expect(said).toContain(`You keep Paid until ${end}. You are not charged again.`);
      expect(said).toContain('Nothing is deleted.');
      expect(said).toContain(
        'If you have more than 10 agents, they stay, but you cannot register another one',
      );
      expect(said).toContain('API calls are limited to 1,000 a day.');
      if (javaScriptEnabled) {
        await checkPage(page, 'cancel');
        await page.keyboard.press('Escape');
        await page.waitForURL('**/billing');
        // It has given the focus back, which it would take from a link that is pressed before.
        await dialog.waitFor({ state: 'detached' });
        expect((await person.api.billing.subscription()).isCancelling).toBe(false);
        await page.getByRole('link', { name: 'Cancel subscription' }).press('Enter');
        await dialog.waitFor();
      }
      await press(page, 'Cancel subscription', '**/billing?done=cancelled');
      const ending = await textOf(page);
      expect(ending).toMatch(/Billing Your subscription is cancelled\./);
      expect(ending).toContain(`You cancelled. You keep Paid until ${end}, and you are not charged again.`);
      expect(ending).toContain('Nothing is deleted.');
      expect(ending).not.toContain('Next charge');
      if (javaScriptEnabled) await shoot(page, 'ending');
      expect(await person.api.billing.usage()).toMatchObject({
        tier: 'paid',
        renewsAt: null,
        endsAt: renewsAt,
      });

      await page.getByRole('link', { name: 'Resume subscription' }).click();
      await page.waitForURL('**/billing?**dialog=resume');
      expect(await page.locator('.dialog').innerText()).toContain(
        `Your card is charged $49 a month again, next on ${end}.`,
      );
      if (javaScriptEnabled) await shoot(page, 'resume');
      await press(page, 'Resume subscription', '**/billing?done=resumed');
      const resumed = await textOf(page);
      expect(resumed).toMatch(/Billing Your subscription continues\./);
      expect(resumed).toContain(`Your subscription renews on ${end}.`);
      expect(await person.api.billing.usage()).toMatchObject({ status: 'active', renewsAt, endsAt: null });
      await page.context().close();
    },
  );

  it('The portal returns to where it was opened', async () => {
    const person = await paidPerson();
    const page = await openAs(person, '/billing');
    await press(page, 'Manage billing', '**/p/session/*');
    await page.getByRole('link', { name: /Back/ }).click();
    await page.waitForURL(`${stack.dashboardUrl}/billing`);
    await setSubscription(person, { status: 'past_due', renews_at: null });
    await visit(page, `${stack.dashboardUrl}/usage`);
    await press(page, 'Fix payment', '**/p/session/*');
    await page.getByRole('link', { name: /Back/ }).click();
    await page.waitForURL(`${stack.dashboardUrl}/usage`);
    await page.context().close();
  });
});

const END = '2027-02-11T09:30:00Z';
const card = { card_brand: 'visa', card_last4: '4242', card_exp_month: 1, card_exp_year: 2030 };
const charge = { next_amount: 4_900, next_currency: 'usd' };
const paid = { tier: 'paid', subscription_id: 'sub_1', ...card };
const free = { tier: 'free', subscription_id: 'sub_1' };

const unset = {
  ...{ ends_at: null, renews_at: null, grace_ends_at: null, is_cancelling: false },
  ...{ next_amount: null, next_currency: null },
};

const states: readonly [string, Record<string, unknown>, RegExp][] = [
  [
    'trial',
    { ...paid, ...charge, status: 'trial', ends_at: END },
    /Your trial ends on .*Next charge \$49 on/,
  ],
  ['trial-cancelled', { ...paid, status: 'trial', ends_at: END, is_cancelling: true }, /you are not charged/],
  ['past-due', { ...paid, status: 'past_due', grace_ends_at: END }, /Free on February 11, 2027.*Fix payment/],
  ['payment-failed', { ...free, ...card, status: 'payment_failed' }, /because a payment failed/],
  ['paused', { ...free, status: 'paused' }, /Your subscription is paused/],
  ['ended', { ...free, status: 'cancelled' }, /Your subscription has ended.*Upgrade to Paid/],
  [
    'card-expires',
    { ...paid, ...charge, status: 'active', renews_at: END, card_exp_month: 12, card_exp_year: 2020 },
    /Valid until 12 \/ 2020 Expired.*Change the card/,
  ],
];

describe('a state', () => {
  it('The Billing page explains every state', async () => {
    const person = await signUpByHttp(stack);
    await addCustomer(person);
    const page = await openAs(person, '/billing');
    for (const [name, columns, words] of states) {
      await setSubscription(person, { ...unset, ...columns });
      await visit(page, `${stack.dashboardUrl}/billing`);
      expect(await textOf(page)).toMatch(words);
      await shoot(page, `state-${name}`);
    }
    await expectAccessible(page);
    await page.context().close();
  });

  it('A subscription to be mended is not bought twice', async () => {
    const person = await signUpByHttp(stack);
    await addCustomer(person);
    const page = await openAs(person, '/billing');
    for (const [status, plan] of [
      ['past_due', { ...paid, grace_ends_at: END }],
      ['payment_failed', { ...free, grace_ends_at: null }],
      ['paused', free],
    ] as const) {
      await setSubscription(person, { ...plan, status });
      for (const path of ['/billing', '/usage', '/pricing']) {
        await visit(page, stack.dashboardUrl + path);
        expect(await button(page, 'Fix payment').count()).toBe(1);
        expect(await button(page, 'Upgrade to Paid').count()).toBe(0);
        await shoot(page, `${status}-on${path.replace('/', '-')}`);
        if (path === '/pricing') continue;
        const side = page.getByRole('complementary', { name: 'Console' });
        const tier = plan.tier === 'paid' ? 'Paid' : 'Free';
        expect(await side.innerText()).toContain(`${tier}, ${status.replace('_', ' ')}`);
      }
    }
    await expectAccessible(page);
    await page.context().close();
  });

  it('A member reads billing and changes nothing', async () => {
    const person = await paidPerson();
    await stack.sql(`update members set role = 'member' where tenant_id = $1`, [person.tenantId]);
    const page = await openAs(person, '/billing');
    expect(await textOf(page)).toMatch(/ask an owner or admin of your tenant.*Paid, active.*\$49 Paid/);
    for (const name of ['Cancel subscription', 'Manage billing'])
      expect(await button(page, name).isDisabled()).toBe(true);
    await shoot(page, 'member');
    await page.context().close();
  });
});

const ACCOUNT = {
  ...{ by: 'bank', holder: 'Ada' },
  ...{ routingNumber: '110000000', accountNumber: '000123456789' },
};

describe('A payment that settles later is told', () => {
  it.each(['succeed', 'fail'])('and the bank lets it %s', async (outcome) => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person, '/billing');
    await press(page, 'Upgrade to Paid', '**/c/pay/cs_test_*');
    const answer = await payByHttp(page.url(), CARDS.good, ACCOUNT);
    await visit(page, answer.headers.get('location')!);
    await page.getByRole('heading', { name: 'Your payment is processing' }).waitFor();
    expect(await textOf(page)).toContain('cannot pay a second time');
    if (outcome === 'fail') await shoot(page, 'processing');
    await page.getByRole('link', { name: 'View billing' }).click();
    await page.waitForURL('**/billing');
    expect(await textOf(page)).toMatch(/Your payment is processing.*Free, active/);
    expect(await button(page, 'Upgrade to Paid').count()).toBe(0);

    const [row] = await stack.sql('select customer_id from stripe_customers where tenant_id = $1', [
      person.tenantId,
    ]);
    const { data } = await stack.billing.ask<{ data: { id: string }[] }>(
      `/invoices?customer=${row!.customer_id as string}`,
    );
    await stack.billing.dev(`/invoices/${data[0]!.id}/settle?outcome=${outcome}`, { method: 'POST' });
    const checkoutUrl = answer.headers.get('location')!;
    if (outcome === 'succeed') {
      await becomesPaid(person);
      await visit(page, checkoutUrl);
      await page.waitForURL('**/billing?checkout=completed');
    } else {
      const id = new URL(checkoutUrl).pathname.split('/').at(-1)!;
      await until('it failed', async () => (await person.api.billing.checkout(id)).status === 'failed');
      await visit(page, checkoutUrl);
      expect(await textOf(page)).toMatch(/Your payment failed.*You were not charged/);
      await checkPage(page, 'failed');
      expect(await button(page, 'Upgrade to Paid').count()).toBe(1);
    }
    await page.context().close();
  });
});

describe('Billing says why a change was refused', () => {
  it('because the tenant is subscribed already, or its payment is processing', async () => {
    const person = await paidPerson();
    await setSubscription(person, { tier: 'free' });
    const page = await openAs(person, '/usage');
    await button(page, 'Upgrade to Paid').click();
    const alert = page.getByRole('alert');
    await alert.filter({ hasText: 'already has a subscription' }).waitFor();
    await expectAccessible(page);
    await press(page, 'Manage billing', '**/p/session/*');
    await page.context().close();

    const other = await signUpByHttp(stack);
    const open = await openAs(other, '/usage');
    await setCheckout(other, 'processing');
    await button(open, 'Upgrade to Paid').click();
    await open.getByRole('alert').filter({ hasText: 'your bank is still settling it' }).waitFor();
    await open.context().close();
  });

  it('because Temporal or Stripe is unavailable', async () => {
    const person = await paidPerson();
    const page = await openAs(person, '/billing?dialog=cancel');
    const alert = page.getByRole('alert');
    await stack.billing.temporal.stop();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel subscription' }).click();
    await alert.filter({ hasText: 'The change could not be confirmed' }).waitFor();
    await shoot(page, 'refused');
    await stack.billing.temporal.start();
    await stack.billing.stripe.stop();
    await visit(page, `${stack.dashboardUrl}/billing`);
    const text = await textOf(page);
    expect(text).toContain('stored at Stripe, which is unavailable right now');
    expect(text).not.toContain('No invoices');
    await button(page, 'Manage billing').click();
    await alert.filter({ hasText: 'billing portal could not be opened' }).waitFor();
    await checkPage(page, 'unavailable');
    await stack.billing.stripe.start();
    await page.context().close();
  });
});

/** Last, because it moves Stripe's time. */
it('Invoices show refunds, disputes and their pages', async () => {
  const person = await paidPerson();
  await stack.billing.dev('/advance?days=340', { method: 'POST' });
  const [row] = await stack.sql('select customer_id from stripe_customers where tenant_id = $1', [
    person.tenantId,
  ]);
  const { data } = await stack.billing.ask<{ data: { id: string }[] }>(
    `/charges?customer=${row!.customer_id as string}&limit=100`,
  );
  expect(data.length).toBeGreaterThan(10);
  const [newest, second, third] = data;
  await stack.billing.dev(`/charges/${newest!.id}/refund`, { method: 'POST' });
  await stack.billing.dev(`/charges/${second!.id}/refund?amount=1050`, { method: 'POST' });
  await stack.billing.dev(`/charges/${third!.id}/dispute`, { method: 'POST' });
  const page = await openAs(person, '/billing', { javaScriptEnabled: false });
  // A page waits only briefly for Stripe, and asks its reader to reload it.
  const rows = async () => {
    await until('the invoices are shown', async () => {
      if (await page.getByRole('table').isVisible()) return true;
      await page.reload();
      return false;
    });
    return (await page.getByRole('row').allInnerTexts()).slice(1).map((text) => text.replaceAll(/\s+/g, ' '));
  };
  const first = await rows();
  expect(first).toHaveLength(10);
  expect(first[0]).toContain('$49 Paid Refunded');
  expect(first[1]).toContain('$49 Paid $10.50 refunded');
  expect(first[2]).toContain('$49 Paid Disputed');
  await shoot(page, 'invoices');
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.waitForURL('**/billing?cursor=*');
  const older = await rows();
  expect(older).toHaveLength(data.length - 10);
  expect(older.filter((text) => first.includes(text))).toEqual([]);
  await page.getByRole('link', { name: 'Previous page' }).click();
  await page.waitForURL('**/billing');
  await page.goto(`${stack.dashboardUrl}/billing?cursor=wrong`);
  await page.waitForURL('**/billing');
  await page.context().close();
});
