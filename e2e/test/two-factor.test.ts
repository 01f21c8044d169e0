import { randomInt } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOfApp } from '../../dev/test/support/totp.ts';
import { PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { checkPage } from './support/fit.ts';
import { confirmEmail, signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

let stack: Stack;
let browser: Browser;
beforeAll(async () => {
  const proxied = startStack({}, { ADDRESS_HEADER: 'X-Forwarded-For' });
  [stack, browser] = await Promise.all([proxied, startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

/** From an address of its own: one address has 20 sign-ins a minute. */
const newContext = async (javaScriptEnabled: boolean): Promise<BrowserContext> => {
  const extraHTTPHeaders = { 'x-forwarded-for': `10.${randomInt(256)}.${randomInt(256)}.2` };
  const context = await browser.newContext({ javaScriptEnabled, acceptDownloads: true, extraHTTPHeaders });
  context.setDefaultTimeout(PATIENCE_MS);
  return context;
};

const main = (page: Page) => page.getByRole('main');
const headed = (page: Page, name: string) =>
  page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const press = (page: Page, name: string) => main(page).getByRole('button', { name, exact: true }).click();
const problemAt = async (page: Page, label: string): Promise<string> => {
  const field = main(page).getByLabel(label, { exact: true });
  await expect.poll(() => field.getAttribute('aria-invalid')).toBe('true');
  const ids = (await field.getAttribute('aria-describedby'))!.split(' ');
  return page.locator(`#${ids.at(-1)!}`).innerText();
};

/** A code of a time step whose code was not used yet. One step ahead of the clock is allowed. */
const createApp = (key: string) => {
  let last = 0;
  return async (): Promise<string> => {
    const step = () => Math.floor(Date.now() / 30_000);
    await expect.poll(() => step() + 1 > last, { timeout: PATIENCE_MS, interval: 500 }).toBe(true);
    last = Math.max(step(), last + 1);
    return codeOfApp(key, last * 30_000);
  };
};

const sendPassword = async (page: Page, { email, password }: SignedUp, next: string): Promise<void> => {
  await visit(page, `${stack.dashboardUrl}/sign-in?next=${encodeURIComponent(next)}`);
  await main(page).getByLabel('Email').fill(email);
  await main(page).getByLabel('Password').fill(password);
  await press(page, 'Sign in');
  await headed(page, 'Two-factor sign-in');
};

/** Without a confirmed address, both pages say what to do first. */
const findUnconfirmed = async (page: Page, isLooked: boolean): Promise<void> => {
  for (const path of ['/settings', '/settings/two-factor']) {
    await visit(page, `${stack.dashboardUrl}${path}`);
    await main(page)
      .getByText(/^Confirm your email address first\./)
      .waitFor();
    expect(await main(page).getByRole('link', { name: 'Turn on', exact: true }).count()).toBe(0);
    expect(await main(page).getByRole('button', { name: 'Continue' }).count()).toBe(0);
    if (isLooked) await checkPage(page, `unconfirmed${path.replaceAll('/', '-')}`);
  }
  await main(page).getByRole('button', { name: 'Send a new link' }).last().click();
  await headed(page, 'Check your inbox');
};

const turnOn = async (page: Page, person: SignedUp, isLooked: boolean) => {
  await visit(page, `${stack.dashboardUrl}/settings`);
  await main(page).getByRole('link', { name: 'Turn on', exact: true }).click();
  await headed(page, 'Turn on two-factor sign-in');
  if (isLooked) await checkPage(page, 'start');
  // The user has no app yet.
  expect(await main(page).getByLabel('Code', { exact: true }).count()).toBe(0);
  await main(page).getByLabel('Your password').fill('not the password');
  await press(page, 'Continue');
  expect(await problemAt(page, 'Your password')).toBe('The password is wrong. Check it and try again.');
  await main(page).getByLabel('Your password').fill(person.password);
  await press(page, 'Continue');

  const shown = main(page).getByRole('group', { name: 'Key' }).locator('code');
  await shown.waitFor();
  await main(page).getByRole('img', { name: 'QR code' }).waitFor();
  if (isLooked) await checkPage(page, 'key');
  const key = (await shown.innerText()).replaceAll(/\s/g, '');
  expect(key).toMatch(/^[A-Z2-7]{32}$/);
  const app = createApp(key);
  const field = main(page).getByLabel('Code', { exact: true });
  expect(await field.getAttribute('autocomplete')).toBe('one-time-code');
  expect(await field.getAttribute('inputmode')).toBe('numeric');
  await field.fill('12345');
  await press(page, 'Turn on');
  expect(await problemAt(page, 'Code')).toMatch(/^This code is not valid\./);
  expect((await shown.innerText()).replaceAll(/\s/g, '')).toBe(key);
  await field.fill(await app());
  await page.keyboard.press('Enter');
  await headed(page, 'Your recovery codes');
  return app;
};

const storeCodes = async (page: Page, javaScript: boolean, isLooked: boolean): Promise<string[]> => {
  const list = main(page).getByRole('group', { name: 'Recovery codes' }).locator('code');
  const codes = (await list.innerText()).trim().split('\n');
  expect(codes).toHaveLength(10);
  const file = main(page).getByRole('link', { name: 'Download as a file' });
  expect(await file.getAttribute('download')).toBe('sentryagent-recovery-codes.txt');
  const text = decodeURIComponent((await file.getAttribute('href'))!.split(',')[1]!);
  expect(text.trim().split('\n')).toEqual(codes);
  const next = main(page).getByRole('button', { name: 'Continue' });
  if (javaScript) expect(await next.isDisabled()).toBe(true);
  if (isLooked) await checkPage(page, 'recovery-codes');
  await main(page).getByLabel('I have stored them').check();
  await next.click();
  await headed(page, 'Settings');
  expect(await page.content()).not.toContain(codes[0]);
  return codes;
};

describe.each([true, false])('JavaScript: %s', (javaScript) => {
  it('An unconfirmed person reads what to do before two-factor sign-in', async () => {
    const context = await newContext(javaScript);
    await (await signUpByHttp(stack)).enter(context);
    await findUnconfirmed(await context.newPage(), javaScript);
    await context.close();
  });

  it('A journey with an authenticator app', { timeout: 240_000 }, async () => {
    const person = await signUpByHttp(stack);
    const context = await newContext(javaScript);
    await person.enter(context);
    const page = await context.newPage();
    await confirmEmail(stack, person);
    const app = await turnOn(page, person, javaScript);
    const codes = await storeCodes(page, javaScript, javaScript);
    const section = page.getByRole('region', { name: 'Two-factor sign-in' });
    expect(await section.innerText()).toMatch(/On since [\s\S]*10 of 10 left/);

    await context.clearCookies();
    await sendPassword(page, person, '/agents');
    if (javaScript) await checkPage(page, 'code');
    const names = (await context.cookies()).map(({ name }) => name);
    expect(names).toEqual(['sentryagent-challenge']);
    await main(page).getByLabel('Code', { exact: true }).fill('000 00');
    await press(page, 'Sign in');
    expect(await problemAt(page, 'Code')).toMatch(/^This code is not valid\./);
    await main(page)
      .getByLabel('Code', { exact: true })
      .fill(await app());
    await press(page, 'Sign in');
    await page.waitForURL('**/agents');

    await context.clearCookies();
    await sendPassword(page, person, '//evil.example/');
    await main(page).getByRole('link', { name: 'Use a recovery code' }).click();
    await main(page).getByLabel('Recovery code').fill(codes[0]!.toUpperCase());
    await press(page, 'Sign in');
    await page.waitForURL('**/usage');

    await visit(page, `${stack.dashboardUrl}/settings`);
    expect(await section.innerText()).toContain('9 of 10 left');
    if (javaScript) await checkPage(page, 'settings');
    await section.getByRole('link', { name: 'Get new recovery codes' }).click();
    await headed(page, 'New recovery codes');
    await main(page).getByLabel('Your password').fill(person.password);
    await main(page).getByLabel('Code', { exact: true }).fill(codes[1]!);
    await press(page, 'Get new recovery codes');
    await headed(page, 'Your recovery codes');
    const renewed = await storeCodes(page, javaScript, false);
    expect(renewed).not.toContain(codes[2]);

    await section.getByRole('link', { name: 'Turn off' }).click();
    await headed(page, 'Turn off two-factor sign-in');
    if (javaScript) await checkPage(page, 'turn-off');
    await main(page).getByLabel('Your password').fill(person.password);
    await main(page).getByLabel('Code', { exact: true }).fill(renewed[0]!);
    await press(page, 'Turn off');
    await page.getByText('Two-factor sign-in is off. A sign-in needs only your password.').waitFor();
    await context.close();
  });

  it('A journey through the sessions', async () => {
    const person = await signUpByHttp(stack);
    const [here, there] = [await newContext(javaScript), await newContext(javaScript)];
    await person.enter(here);
    const [page, other] = [await here.newPage(), await there.newPage()];
    const section = page.getByRole('region', { name: 'Sessions' });
    const entriesAfterSignIn = async (): Promise<string[]> => {
      await visit(other, `${stack.dashboardUrl}/sign-in`);
      await main(other).getByLabel('Email').fill(person.email);
      await main(other).getByLabel('Password').fill(person.password);
      await press(other, 'Sign in');
      await other.waitForURL('**/usage');
      await visit(page, `${stack.dashboardUrl}/settings`);
      return section.getByRole('listitem').allInnerTexts();
    };
    const expectEnded = async (words: string): Promise<void> => {
      await section.getByText(words).waitFor();
      await section.getByText('You are not signed in anywhere else.').waitFor();
      await visit(other, `${stack.dashboardUrl}/agents`);
      await other.waitForURL('**/sign-in?next=%2Fagents');
    };

    const entries = await entriesAfterSignIn();
    expect(entries).toHaveLength(2);
    expect(entries[0]).toContain('This browser');
    expect(entries[1]).toMatch(/^Chrome on Linux/);
    await press(page, 'Sign out Chrome on Linux');
    await expectEnded('That session has ended.');
    // The second time it has ended before, which is what the person wants.
    await entriesAfterSignIn();
    await person.api.sessions.endOthers();
    await press(page, 'Sign out Chrome on Linux');
    await expectEnded('That session has ended.');
    await entriesAfterSignIn();
    await press(page, 'Sign out everywhere else');
    await expectEnded('You are signed out everywhere else.');
    await Promise.all([here.close(), there.close()]);
  });
});

it('The second step without a first one leads to the first', async () => {
  const context = await newContext(false);
  const page = await context.newPage();
  await visit(page, `${stack.dashboardUrl}/sign-in/two-factor?next=%2Fagents`);
  await page.waitForURL('**/sign-in?next=%2Fagents');
  await context.close();
});
