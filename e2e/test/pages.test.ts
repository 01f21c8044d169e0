import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { fillParameters, pages } from './support/pages.ts';
import { signUpByHttp, useCalls } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

/** In bytes, of what is sent. */
const SCRIPTS_OF_USAGE = 90 * 1024;

const shots = process.env.SCREENSHOTS_DIR;

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

const violationsOf = async (page: Page, rules?: string[]): Promise<string[]> => {
  const axe = new AxeBuilder({ page }).options({ rules: { 'target-size': { enabled: true } } });
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  return violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html}`);
};

const widthOf = (page: Page): Promise<number> => page.locator('html').evaluate((html) => html.scrollWidth);

const all = [...pages, { route: '/nowhere', isConsole: false }].map(
  (page) => [page.route, page.isConsole] as const,
);

describe('each page', () => {
  it.each(all)('Every page passes axe. Pages fit phones and desktops: %s', async (route, isConsole) => {
    const page = await (isConsole ? member : visitor).newPage();
    const complaints = complaintsOf(page);
    await page.setViewportSize({ width: 320, height: 740 });
    await visit(page, `${stack.dashboardUrl}${pathOf(route)}`);
    for (const width of [320, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        if (shots) {
          const name = route.replaceAll(/[^a-z]+/gi, '-').replace(/^-|-$/g, '') || 'home';
          await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
        }
        // In the dark the same page has other colors, and nothing else.
        const rules = colorScheme === 'dark' ? ['color-contrast'] : undefined;
        if (width === 320 || !rules) expect(await violationsOf(page, rules)).toEqual([]);
      }
      expect(await widthOf(page)).toBeLessThanOrEqual(width);
    }
    expect(complaints).toEqual([]);
    await page.close();
  });
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
