import { mkdirSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const shots = process.env.SCREENSHOTS_DIR;

/** Pictures at both widths and in both color schemes, for whoever asked for them by SCREENSHOTS_DIR. */
export const shoot = async (page: Page, name: string): Promise<void> => {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  const before = page.viewportSize();
  for (const width of [360, 1440]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: null });
  if (before) await page.setViewportSize(before);
};

const expectNone = async (axe: AxeBuilder): Promise<void> => {
  const { violations } = await axe.analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
};

/** That axe finds no fault. */
export const expectAccessible = (page: Page): Promise<void> =>
  expectNone(new AxeBuilder({ page }).options({ rules: { 'target-size': { enabled: true } } }));

/** The same for a mail, which is a part of the mail program's page: it has no landmarks of its own. */
export const expectAccessibleMail = (page: Page): Promise<void> =>
  expectNone(new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']));

const expectNoSidewaysScroll = async (page: Page, width: number): Promise<void> => {
  await page.setViewportSize({ width, height: 900 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
};

/** On a phone in light, and on a desktop, which is another layout, in dark: axe finds no fault, and nothing is too wide. */
export const expectFit = async (page: Page, name: string, phone = 360): Promise<void> => {
  await shoot(page, name);
  for (const [width, colorScheme] of [
    [phone, 'light'],
    [1440, 'dark'],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await expectNoSidewaysScroll(page, width);
    await expectAccessible(page);
  }
};

/** The page as it stands: axe finds no fault, and at no width is anything too wide. Its size and colors stay. */
export const checkPage = async (page: Page, name: string): Promise<void> => {
  await shoot(page, name);
  const before = page.viewportSize()!;
  for (const width of [320, 360, 1440]) await expectNoSidewaysScroll(page, width);
  await page.setViewportSize(before);
  await expectAccessible(page);
};
