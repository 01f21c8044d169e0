import { mkdirSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { expect } from 'vitest';
import { PATIENCE_MS, startBrowser, visit } from '../support/browser.ts';
import { expectAccessible } from '../support/fit.ts';
import { startInbox } from '../support/inbox.ts';
import type { Inbox } from '../support/inbox.ts';
import { confirmEmail, signUpByHttp } from '../support/people.ts';
import type { SignedUp } from '../support/people.ts';
import { startSellingStack } from '../support/stack.ts';
import type { SellingStack } from '../support/stack.ts';

/** Where the pictures go. If it is not set, the states are judged, and no picture is taken. */
const folder = process.env.SCREENS_DIR;
/** Set: all four pictures of each state, and not only these two. */
const views = process.env.SCREENS_ALL
  ? ([1440, 360] as const).flatMap((width) =>
      (['light', 'dark'] as const).map((scheme) => [width, scheme] as const),
    )
  : ([
      [1440, 'light'],
      [360, 'dark'],
    ] as const);

export interface Studio {
  stack: SellingStack;
  browser: Browser;
  inbox: Inbox;
  /** Each state that was walked, with what it shows. */
  shown: Map<string, string>;
  close(): Promise<void>;
}

/** On average 100 a minute, as by default, which Pricing shows. The walks need many at once. */
const RATE = { RATE_LIMIT_MAX_REQUESTS: '6000', RATE_LIMIT_WINDOW_MS: '3600000' };

export const openStudio = async (): Promise<Studio> => {
  const inbox = await startInbox();
  const [stack, browser] = await Promise.all([
    startSellingStack({ ...RATE, SMTP_URL: inbox.smtpUrl }),
    startBrowser(),
  ]);
  return {
    stack,
    browser,
    inbox,
    shown: new Map(),
    close: async () => {
      await browser.close();
      await stack.close();
      await inbox.close();
    },
  };
};

/** A page of somebody's browser, or of a visitor's. */
export const open = async (
  { browser, stack }: Studio,
  person: SignedUp | null,
  path: string,
  options: BrowserContextOptions = {},
): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  await person?.enter(context);
  const page = await context.newPage();
  await go({ stack }, page, path);
  return page;
};

export const go = ({ stack }: Pick<Studio, 'stack'>, page: Page, path: string): Promise<void> =>
  visit(page, path.startsWith('http') ? path : stack.dashboardUrl + path);

/** Somebody with a confirmed address and a tenant. */
export const newcomer = async ({ stack }: Studio, name: string): Promise<SignedUp> => {
  const person = await signUpByHttp(stack, `${name}@example.com`);
  await confirmEmail(stack, person);
  await stack.sql(`update tenants set name = 'Acme Robotics' where id = $1`, [person.tenantId]);
  return person;
};

const save = async (page: Page, file: string): Promise<void> => {
  mkdirSync(folder!, { recursive: true });
  // A dialog or a menu is in the middle of what is seen, and not of the whole page.
  const isWhole =
    (await page.locator('.dialog, [role=menu], :popover-open').filter({ visible: true }).count()) === 0;
  const size = page.viewportSize()!;
  // The side bar is as high as the window.
  if (isWhole) {
    const height = Number(await page.evaluate('document.documentElement.scrollHeight'));
    await page.setViewportSize({ ...size, height });
  }
  const bytes = await page.screenshot({ animations: 'disabled' });
  await page.setViewportSize(size);
  await sharp(bytes)
    .png({ palette: true, quality: 90, dither: 0, effort: 8 })
    .toFile(`${folder}/${file}.png`);
};

/**
 * One state of a page: nothing is too wide and axe finds no fault, on a desktop in light and on a phone in dark. `prepare`
 * brings about what a change of the width undoes, such as an open menu.
 */
export const picture = async (
  { shown }: Studio,
  page: Page,
  name: string,
  shows: string,
  prepare: (page: Page) => Promise<void> = async () => {},
): Promise<void> => {
  if (shown.has(name)) throw new Error(`${name}: two states have this name`);
  shown.set(name, shows);
  for (const [width, colorScheme] of views) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
    await prepare(page);
    await page.evaluate('document.fonts.ready');
    expect([name, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([name, width]);
    if (folder) await save(page, `${name}-${width}-${colorScheme}`);
    if (!process.env.SCREENS_ALL) await expectAccessible(page);
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize({ width: 1440, height: 900 });
};

export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('main').getByRole('button', { name, exact: true }).last().click();

export const pressInDialog = (page: Page, name: string): Promise<void> =>
  page.getByRole('dialog').getByRole('button', { name, exact: true }).click();

export const headed = (page: Page, name: string | RegExp): Promise<void> =>
  page.getByRole('heading', { level: 1, name }).waitFor();
