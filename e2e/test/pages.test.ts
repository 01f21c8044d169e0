import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { expectFit } from './support/fit.ts';
import { expectTabOrder, expectWaysBack, tabTo } from './support/keyboard.ts';
import { fillParameters, pages } from './support/pages.ts';
import type { DashboardPage } from './support/pages.ts';
import { signUpByHttp, useCalls } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

/** In bytes, of what is sent. */
const SCRIPTS_OF_USAGE = 90 * 1024;

let stack: Stack;
let browser: Browser;
let member: BrowserContext;
let visitor: BrowserContext;
let person: SignedUp;
let pathOf: (route: string) => string;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), startBrowser()]);
  [member, visitor] = await Promise.all([browser.newContext(), browser.newContext()]);
  for (const context of [member, visitor]) context.setDefaultTimeout(PATIENCE_MS);
  person = await signUpByHttp(stack);
  await person.enter(member);
  await useCalls(stack, person, 900);
  pathOf = await fillParameters(stack, person);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

/** What scripts and the policy complain of. */
const complaintsOf = (page: Page): string[] => {
  const found: string[] = [];
  page.on('console', (message) => {
    // The answer to a page that does not exist.
    if (message.type() === 'error' && !/status of 404/.test(message.text())) found.push(message.text());
  });
  page.on('pageerror', (error) => found.push(error.message));
  return found;
};

const all = [...pages, { route: '/nowhere', isConsole: false }].map(
  (page) => [page.route, page.isConsole] as const,
);

describe('Tab reaches every control. Escape gives the focus back. Every page passes axe. Pages fit phones and desktops', () => {
  it.each(all)('%s', async (route, isConsole) => {
    const page = await (isConsole ? member : visitor).newPage();
    const complaints = complaintsOf(page);
    await page.setViewportSize({ width: 1440, height: 900 });
    await visit(page, `${stack.dashboardUrl}${pathOf(route)}`);
    await expectTabOrder(page);
    await expectWaysBack(page);
    await expectFit(page, route.replaceAll(/[^a-z]+/gi, '-').replace(/^-|-$/g, '') || 'home', 320);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

it('Pages below an entry lead back to it', async () => {
  const isBelow = ({ route, isConsole }: DashboardPage) =>
    isConsole && (route === '/onboarding' || route.split('/').length > 2);
  for (const { route } of pages.filter(isBelow)) {
    const url = stack.dashboardUrl + pathOf(route);
    const html = await (await fetch(url, { headers: { cookie: person.cookie } })).text();
    const [, href] = /aria-label="Breadcrumb"><a href="(.*?)"/.exec(html) ?? [];
    const entry = href && new URL(href, url).pathname;
    expect([route, entry]).toEqual([route, route === '/onboarding' ? '/agents' : `/${route.split('/')[1]}`]);
  }
});

it('Every page works by keyboard alone', async () => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const press = async (target: Locator, key = 'Enter'): Promise<void> => {
    await tabTo(page, target);
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press(key);
  };
  const enter = async (label: string, text: string): Promise<void> => {
    await tabTo(page, page.getByLabel(label));
    await page.keyboard.type(text);
  };
  await visit(page, stack.dashboardUrl);
  await press(page.getByRole('banner').getByRole('link', { name: 'Sign up' }));
  await page.waitForURL('**/sign-up');
  await enter('Email', 'keyboard@example.com');
  await enter('Password', 'correct horse battery');
  await press(page.getByRole('button', { name: 'Sign up' }));
  await page.waitForURL('**/onboarding');
  await enter('Name', 'by-keyboard');
  await press(page.getByRole('button', { name: 'Register agent' }));
  await page.getByRole('heading', { name: 'by-keyboard is registered' }).waitFor();
  await press(page.getByLabel('I have stored it'), 'Space');
  await press(page.getByRole('button', { name: 'Continue' }));
  await page.waitForURL('**/usage');
  expect(await page.getByRole('main').innerText()).toMatch(/1\s+agent of 10/);
  await context.close();
});

it('The usage page ships under 90 KB', async () => {
  const context = await browser.newContext();
  await person.enter(context);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const scripts = new Set<string>();
  let bytes = 0;
  session.on('Network.responseReceived', ({ requestId, type }) => {
    if (type === 'Script') scripts.add(requestId);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) bytes += encodedDataLength;
  });
  await visit(page, `${stack.dashboardUrl}/usage`);
  await page.waitForLoadState('networkidle');
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(SCRIPTS_OF_USAGE);
  console.log(`/usage ships ${(bytes / 1024).toFixed(1)} KB of scripts in ${scripts.size} files`);
  await context.close();
});
