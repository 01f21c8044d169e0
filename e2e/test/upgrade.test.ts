import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { expectAccessible } from './support/fit.ts';
import { CARDS, openCheckout, payOnPage } from './support/checkout-page.ts';
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
afterEach(() => stack.billing.dev('/faults', { method: 'DELETE' }));

const openAs = async (
  person: SignedUp,
  path = '/usage',
  options: BrowserContextOptions = {},
): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  await person.enter(context);
  const page = await context.newPage();
  await visit(page, `${stack.dashboardUrl}${path}`);
  return page;
};

const textOf = async (page: Page): Promise<string> =>
  (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');

const upgradeButton = (page: Page) => page.getByRole('button', { name: 'Upgrade to Paid' });

/** Presses again where the page says that the checkout could not be opened: this machine is busy with tests. */
const goToStripe = async (page: Page): Promise<void> => {
  const failed = page.getByRole('alert').filter({ hasText: 'could not be opened' });
  for (let tries = 0; tries < 5; tries++) {
    await upgradeButton(page).click();
    const arrived = page.waitForURL('**/c/pay/cs_test_*').then(() => true);
    if (
      await Promise.race([
        arrived,
        failed.waitFor().then(
          () => false,
          () => arrived,
        ),
      ])
    )
      return;
  }
  throw new Error('Stripe’s page did not open');
};

const faults = (body: object) => stack.billing.dev('/faults', { method: 'POST', body: JSON.stringify(body) });

it('A page to pay at that is not of the configured origin is not opened', async () => {
  const person = await signUpByHttp(stack);
  const { cookie } = person;
  const press = async (url: string, form: 'upgrade' | 'portal') => {
    const headers = { cookie, origin: stack.dashboardUrl, accept: 'text/html' };
    const init: RequestInit = { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams() };
    const answer = await fetch(`${url}/billing?/${form}`, init);
    return [answer.status, answer.headers.get('location')];
  };
  const other = await stack.startDashboard({ CHECKOUT_ORIGIN: '', PORTAL_ORIGIN: '' });
  await openCheckout(person);
  expect(await press(other.url, 'upgrade')).toEqual([502, null]);
  expect(other.errors()).toContain('CHECKOUT_ORIGIN');
  expect(await press(stack.dashboardUrl, 'upgrade')).toEqual([
    303,
    expect.stringContaining('/c/pay/cs_test_'),
  ]);
  expect(await press(other.url, 'portal')).toEqual([502, null]);
  expect(other.errors()).toContain('PORTAL_ORIGIN');
  expect(await press(stack.dashboardUrl, 'portal')).toEqual([303, expect.stringContaining('/p/session/')]);
  await other.stop();
});

describe('the way to Paid', () => {
  it('Free tier tenant sees upgrade CTA', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person);
    expect(await upgradeButton(page).isVisible()).toBe(true);
    await expectAccessible(page);
    await goToStripe(page);
    expect(await page.locator('body').innerText()).toMatch(/\$49\.00/);
    await page.context().close();
  });

  it('Paid tier tenant sees subscription status', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person);
    await goToStripe(page);
    await payOnPage(page, CARDS.good);
    await page.waitForURL('**/usage?checkout=completed');
    const { renewsAt } = await person.api.billing.usage();
    const day = new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(
      new Date(renewsAt!),
    );
    await page.getByText('Welcome to Paid.').waitFor();
    await expectAccessible(page);
    for (const path of ['/usage?checkout=completed', '/usage']) {
      await visit(page, `${stack.dashboardUrl}${path}`);
      const text = await textOf(page);
      expect(text).toContain('Paid, active');
      expect(text).toContain(`Renews ${day}`);
      expect(await upgradeButton(page).count()).toBe(0);
    }
    await visit(page, `${stack.dashboardUrl}/pricing`);
    expect(await upgradeButton(page).count()).toBe(0);
    await page.context().close();
  });

  it('a second press of the button opens the same page', async () => {
    const person = await signUpByHttp(stack);
    const [first, second] = await Promise.all([openAs(person), openAs(person)]);
    await Promise.all([goToStripe(first), goToStripe(second)]);
    expect(first.url()).toBe(second.url());
    await first.goBack();
    await goToStripe(first);
    expect(first.url()).toBe(second.url());
    await Promise.all([first, second].map((page) => page.context().close()));
  });

  it('Going back without paying stays Free', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person);
    await goToStripe(page);
    await page.getByRole('link', { name: /Back/ }).click();
    await page.waitForURL('**/usage?checkout=cancelled');
    const text = await textOf(page);
    expect(text).toMatch(/left the checkout without paying\. You were not charged\./);
    expect(text).toMatch(/Free, active/);
    await expectAccessible(page);
    await goToStripe(page);
    await payOnPage(page, CARDS.good);
    await page.waitForURL('**/usage?checkout=completed');
    await page.context().close();
  });

  it('a declined card is said on Stripe’s page, and another is taken', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person, '/usage', { viewport: { width: 360, height: 740 } });
    await goToStripe(page);
    await payOnPage(page, CARDS.declined);
    await page.getByRole('alert').filter({ hasText: 'Your card was declined.' }).waitFor();
    expect((await person.api.billing.usage()).tier).toBe('free');
    await payOnPage(page, CARDS.good);
    await page.waitForURL('**/usage?checkout=completed');
    await page.context().close();
  });

  it('Closing the browser after paying ends in Paid', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person);
    await goToStripe(page);
    // Stripe has the payment; the browser is gone before it is sent anywhere.
    await page.route(`${stack.dashboardUrl}/**`, (route) => route.abort());
    const paid = page.waitForResponse((response) => response.request().method() === 'POST');
    await payOnPage(page, CARDS.good);
    await paid;
    await page.context().close();
    await until('the tenant is paid', async () => (await person.api.billing.usage()).tier === 'paid');
    const again = await openAs(person);
    expect(await textOf(again)).toContain('Paid, active');
    await again.context().close();
  });

  it('Returning from Checkout confirms before Paid', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person);
    await goToStripe(page);
    // Neither a webhook nor a look of ours comes through: nobody but Stripe knows of the payment.
    await stack.billing.worker.stop();
    await payOnPage(page, CARDS.good);
    await page.waitForURL('**/usage/checkouts/chk_*');
    await page.getByRole('heading', { name: /Confirming your payment/ }).waitFor();
    await expectAccessible(page);
    expect((await person.api.billing.usage()).tier).toBe('free');
    await page.evaluate(() => Object.assign(globalThis, { stillHere: true }));
    await stack.billing.worker.start();
    await page.waitForURL('**/usage?checkout=completed');
    expect(await textOf(page)).toContain('Paid, active');
    expect(await page.evaluate(() => 'stillHere' in globalThis)).toBe(true);
    await page.context().close();
  });

  it('confirms without JavaScript too', async () => {
    const person = await signUpByHttp(stack);
    await faults({ delayWebhooksMs: 3_000 });
    const page = await openAs(person, '/usage', { javaScriptEnabled: false });
    await goToStripe(page);
    await payOnPage(page, CARDS.good);
    await page.waitForURL('**/usage?checkout=completed');
    expect(await textOf(page)).toContain('Paid, active');
    await page.context().close();
  });

  it('another tenant’s checkout is no page', async () => {
    const [owner, other] = [await signUpByHttp(stack), await signUpByHttp(stack)];
    const { checkoutId } = await openCheckout(owner);
    const page = await openAs(other, `/usage/checkouts/${checkoutId}`);
    expect(await page.locator('body').innerText()).toMatch(/404|no such/i);
    await page.context().close();
  });
});

describe('a press of the button that leads nowhere', () => {
  it('A member who may not buy learns who can', async () => {
    const person = await signUpByHttp(stack);
    await stack.sql(`update members set role = 'member' where tenant_id = $1`, [person.tenantId]);
    const page = await openAs(person);
    await upgradeButton(page).click();
    await page.getByRole('alert').filter({ hasText: 'owner or admin' }).waitFor();
    const checkouts = await stack.sql('select id from checkouts where tenant_id = $1', [person.tenantId]);
    expect(checkouts).toEqual([]);
    await expectAccessible(page);
    await page.context().close();
  });

  it('says that nothing was charged while Stripe or Temporal is away, and goes on after that', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person);
    await stack.billing.temporal.stop();
    await upgradeButton(page).click();
    await page.getByRole('alert').filter({ hasText: 'You were not charged' }).waitFor();
    await stack.billing.temporal.start();
    await until('Temporal is back', async () => {
      await person.api.billing.startCheckout();
      return true;
    });
    await goToStripe(page);
    await page.context().close();
  });
});
