import { mkdirSync } from 'node:fs';
import { createClient } from '@sentryagent/sdk';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser } from './support/browser.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const openPage = async (options: BrowserContextOptions = {}): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(10_000);
  return context.newPage();
};

const shots = process.env.SCREENSHOTS_DIR;

/** A picture at both widths, for whoever asked for them by SCREENSHOTS_DIR. */
const shoot = async (page: Page, name: string): Promise<void> => {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  for (const width of [360, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: `${shots}/${name}-${width}.png`, fullPage: true });
  }
};

const signUp = async (page: Page, email: string): Promise<void> => {
  await page.goto(stack.dashboardUrl);
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

/** What the curl lines on the page do: a token, then a call with it. */
const callOnce = async (credentials: { clientId: string; clientSecret: string }): Promise<void> => {
  const { access_token: token } = await createClient({ baseUrl: stack.apiUrl }).tokens.issue(credentials);
  const api = createClient({ baseUrl: stack.apiUrl, headers: { authorization: `Bearer ${token}` } });
  expect((await api.agents.list()).data).toHaveLength(1);
};

const usageText = async (page: Page): Promise<string> =>
  (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');

const walk = async (page: Page, email: string): Promise<void> => {
  await shoot(page, 'home');
  await signUp(page, email);
  const credentials = await registerAgent(page, 'first agent');
  const lines = await page.getByRole('main').innerText();
  expect(lines).toContain('/oauth2/token');
  expect(lines).toContain(`${stack.apiUrl}/agents`);
  await shoot(page, 'credential');
  await callOnce(credentials);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Usage' }).click();
  await page.waitForURL('**/usage');
  const text = await usageText(page);
  expect(text).toMatch(/1 API call of 1,000/);
  expect(text).toMatch(/1 agent of 10/);
  expect(text).toMatch(/1 token this period/);
  expect(text).toMatch(/Free/);
  expect(text).toMatch(/active/i);
  await shoot(page, 'usage');
};

describe('a newcomer', () => {
  it('Usage tab shows current metrics after sign-up, agent, token and first call', async () => {
    const page = await openPage();
    await walk(page, 'ada@example.com');
    await page.getByRole('link', { name: 'Upgrade to Paid' }).click();
    await page.waitForURL('**/pricing');
    const text = await usageText(page);
    expect(text).toMatch(/Free.*1,000.*Paid.*\$49.*Unlimited/);
    await shoot(page, 'pricing');
    await page.context().close();
  });

  it('walks the same way without JavaScript, on a phone', async () => {
    const page = await openPage({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } });
    await walk(page, 'grace@example.com');
    const width = await page
      .locator('body')
      .evaluate((body) => body.scrollWidth)
      .catch(() => 360);
    expect(width).toBeLessThanOrEqual(360);
    await page.context().close();
  });
});
