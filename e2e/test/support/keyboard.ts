import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** Moves the focus by Tab until it is on the element. */
export const tabTo = async (page: Page, target: Locator): Promise<void> => {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press('Tab');
    if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return;
  }
  throw new Error(`the focus never reached ${String(target)}`);
};

/**
 * Runs in the page. It numbers what Tab should reach, in the order of the document, and from now on writes down what gets
 * the focus, and whether the focus is seen.
 */
const WATCH = `(() => {
  const root = document.documentElement;
  const isReachable = (element) => {
    if (element.tabIndex < 0 || element.matches(':disabled') || !element.checkVisibility()) return false;
    if (element.type !== 'radio' || element.checked) return true;
    // A group of radio buttons is one stop.
    const group = [...root.querySelectorAll('[type=radio][name="' + element.name + '"]')];
    return group[0] === element && !group.some(({ checked }) => checked);
  };
  const controls = root.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]');
  const reachable = [...controls].filter(isReachable);
  reachable.forEach((element, i) => (element.dataset.stop = i));
  const isRinged = (element) => element && getComputedStyle(element).outlineStyle !== 'none';
  const isSeen = (element) => {
    const { top, bottom, left, right } = element.getBoundingClientRect();
    const isWithin = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
    return isWithin && [element, element.parentElement, element.nextElementSibling].some(isRinged);
  };
  root.dataset.reached = '';
  root.addEventListener('focusin', ({ target }) => {
    // A part that scrolls is a stop too.
    const stop = target.dataset.stop ?? 'scroller';
    root.dataset.reached += isSeen(target) ? stop + ' ' : stop + ':unseen:' + target.outerHTML.slice(0, 120) + ' ';
  });
  getSelection().collapse(document.body, 0);
  return reachable.length;
})()`;

/** From its start to its end, Tab reaches every control of the page once, in order, and the focus is seen on each. */
export const expectTabOrder = async (page: Page): Promise<void> => {
  const count: number = await page.evaluate(WATCH);
  const reached = async () => (await page.locator('html').getAttribute('data-reached'))!.trim().split(' ');
  const stops = Array.from({ length: count }, (_, i) => String(i));
  for (let presses = 0; presses < count; presses++) await page.keyboard.press('Tab');
  for (let more = (await reached()).filter((stop) => stop === 'scroller').length; more > 0; more--)
    await page.keyboard.press('Tab');
  expect((await reached()).filter((stop) => stop !== 'scroller')).toEqual(stops);
};

/** Enter opens what the trigger opens and moves the focus into it. Escape closes it and gives the focus back. */
const expectWayBack = async (page: Page, trigger: Locator): Promise<void> => {
  const opened = page.locator('[role=dialog], [role=menu], [popover]:popover-open');
  const isMenu = (await trigger.getAttribute('aria-haspopup')) === 'menu';
  await trigger.focus();
  await page.keyboard.press('Enter');
  await opened.waitFor();
  // Tab leaves a menu, as everywhere. Its entries are reached by the arrow keys.
  await page.keyboard.press(isMenu ? 'ArrowDown' : 'Tab');
  const isWithin = () => opened.evaluate((element) => element.contains(element.ownerDocument.activeElement));
  await expect.poll(isWithin).toBe(true);
  await page.keyboard.press('Escape');
  await opened.waitFor({ state: 'hidden' });
  const isBack = () => trigger.evaluate((element) => element === element.ownerDocument.activeElement);
  await expect.poll(isBack).toBe(true);
};

/** Each menu and each dialog of the page. */
export const expectWaysBack = async (page: Page): Promise<void> => {
  const { pathname } = new URL(page.url());
  const triggers = page.locator(
    `[aria-haspopup=menu]:visible, button[popovertarget]:visible, main a[href^="${pathname}?dialog="]:visible`,
  );
  for (const trigger of await triggers.all()) await expectWayBack(page, trigger);
};
