import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, startBrowser, openEntry, visit } from './support/browser.ts';
import { shoot } from './support/fit.ts';
import { CARDS, payOnPage } from './support/checkout-page.ts';
import { makeFirstCall } from './support/first-call.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

let stack: SellingStack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startSellingStack(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const openPage = async (options: BrowserContextOptions = {}): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  return context.newPage();
};

const signUp = async (page: Page, email: string): Promise<void> => {
  await visit(page, stack.dashboardUrl);
  await shoot(page, 'home');
  await page.getByRole('link', { name: 'Sign up' }).first().click();
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill('correct horse battery');
  await shoot(page, 'sign-up');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.waitForURL('**/onboarding');
};

const registerAgent = async (
  page: Page,
  name: string,
): Promise<{ clientId: string; clientSecret: string }> => {
  await page.getByLabel('Name').fill(name);
  await shoot(page, 'register');
  await page.getByRole('button', { name: 'Register agent' }).click();
  const secret = page.getByText(/^sa_[0-9a-z]{26}_/).first();
  await secret.waitFor();
  const clientId = await page
    .getByText(/^agt_[0-9a-z]{26}$/)
    .first()
    .innerText();
  return { clientId: clientId.trim(), clientSecret: (await secret.innerText()).trim() };
};

const usageText = async (page: Page): Promise<string> =>
  (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');

const walk = async (page: Page, email: string): Promise<void> => {
  await signUp(page, email);
  const { clientId } = await registerAgent(page, 'first agent');
  await shoot(page, 'credential');
  expect(await makeFirstCall(page)).toMatchObject({
    data: [{ agentId: clientId, name: 'first agent' }],
  });
  await openEntry(page, 'Usage');
  await page.waitForURL('**/usage');
  const text = await usageText(page);
  expect(text).toMatch(/1 API call of 1,000/);
  expect(text).toMatch(/1 agent of 10/);
  expect(text).toMatch(/1 token this period/);
  expect(text).toMatch(/Free/);
  expect(text).toMatch(/active/i);
  await shoot(page, 'usage');
};

/** From the Usage tab to Stripe's page and back. */
/** A worker that has just started may be too late for the first press: the page says so, and the next one leads on. */
const pressUntil = async (page: Page, name: string, url: string): Promise<void> => {
  for (let tries = 1; ; tries++) {
    await page.getByRole('button', { name }).click();
    try {
      return await page.waitForURL(url);
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
};

const upgrade = async (page: Page): Promise<void> => {
  await pressUntil(page, 'Upgrade to Paid', `${checkoutOrigin()}/**`);
  await shoot(page, 'stripe');
  await payOnPage(page, CARDS.good);
  await page.waitForURL('**/usage?checkout=completed');
  const text = await usageText(page);
  expect(text).toMatch(/Paid, active/);
  expect(text).toMatch(/Renews [A-Z][a-z]+ \d{1,2}, \d{4}/);
  await expectNoUpgrade(page);
  await shoot(page, 'paid');
};

const checkoutOrigin = (): string => `http://localhost:${new URL(stack.billing.stripeUrl).port}`;

const expectNoUpgrade = async (page: Page): Promise<void> => {
  expect(await page.getByRole('button', { name: 'Upgrade to Paid' }).count()).toBe(0);
};

describe('a newcomer', () => {
  it('Usage tab shows current metrics, after sign-up, agent, token and first call; the way on leads to Paid', async () => {
    const page = await openPage();
    await walk(page, 'ada@example.com');
    await visit(page, `${stack.dashboardUrl}/pricing`);
    expect(await usageText(page)).toMatch(/Free.*1,000.*Paid.*\$49.*Unlimited/);
    await shoot(page, 'pricing');
    await openEntry(page, 'Usage');
    await page.waitForURL('**/usage');
    await upgrade(page);
    await page.context().close();
  });

  it('Forms work without JavaScript: the same way, on a phone', async () => {
    const page = await openPage({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } });
    await walk(page, 'grace@example.com');
    await upgrade(page);
    const width = await page
      .locator('body')
      .evaluate((body) => body.scrollWidth)
      .catch(() => 360);
    expect(width).toBeLessThanOrEqual(360);
    await page.context().close();
  });
});
