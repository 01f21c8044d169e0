import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';

/** What a page may need on a busy machine. A bound, and no promise. */
export const PATIENCE_MS = 60_000;

/** Chromium without the services that would look for the outside world. */
export const startBrowser = (more: readonly string[] = []): Promise<Browser> => {
  const executablePath = process.env.CHROMIUM_PATH;
  if (!executablePath) throw new Error('CHROMIUM_PATH is not set: run the tests by "npm test"');
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
};

const answersByJavaScript =
  "matchMedia('(scripting: none)').matches || history.scrollRestoration === 'manual'";

/**
 * Opens a page of the dashboard. With JavaScript it waits until the page answers by JavaScript: before, a form is sent
 * by the browser itself, and the page is loaded anew. SvelteKit restores scroll positions itself from then on.
 */
export const visit = async (page: Page, url: string): Promise<void> => {
  await page.goto(url);
  // Not waitForFunction, which the Content-Security-Policy refuses.
  await expect.poll(() => page.evaluate(answersByJavaScript), { timeout: PATIENCE_MS }).toBe(true);
};

/** Follows an entry of the main navigation, which is behind a button on a phone. */
export const openEntry = async (page: Page, name: string): Promise<void> => {
  const button = page.getByRole('button', { name: 'Open the navigation' });
  if (await button.isVisible()) await button.click();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).click();
};
