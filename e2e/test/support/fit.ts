import { mkdirSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const shots = process.env.SCREENSHOTS_DIR;

/** Pictures at both widths and in both colour schemes, for whoever asked for them by SCREENSHOTS_DIR. */
export const shoot = async (page: Page, name: string): Promise<void> => {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  for (const width of [360, 1440]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
};

/** That axe finds no fault. A page that only changes its colors needs the rules of colors alone. */
export const expectAccessible = async (page: Page, rules?: string[]): Promise<void> => {
  const axe = new AxeBuilder({ page }).options({ rules: { 'target-size': { enabled: true } } });
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
};

/** On a phone in light, and on a desktop in dark: axe finds no fault, and nothing is too wide. */
export const expectFit = async (page: Page, name: string, phone = 360): Promise<void> => {
  await shoot(page, name);
  for (const [width, colorScheme] of [
    [phone, 'light'],
    [1440, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page, colorScheme === 'dark' ? ['color-contrast'] : undefined);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  }
};
