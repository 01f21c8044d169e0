import { randomBytes } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, visit } from './support/browser.ts';
import { expectAccessible } from './support/fit.ts';
import { startInbox } from './support/inbox.ts';
import type { Inbox, Received } from './support/inbox.ts';
import { newPageAs, signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

let inbox: Inbox;
let stack: SellingStack;
let browser: Browser;
beforeAll(async () => {
  inbox = await startInbox();
  [stack, browser] = await Promise.all([startSellingStack({ SMTP_URL: inbox.smtpUrl }), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
  await inbox.close();
});

const open = async (url: string, javaScriptEnabled: boolean, person?: SignedUp): Promise<Page> => {
  const page = await newPageAs(browser, person, { javaScriptEnabled });
  await visit(page, url);
  return page;
};

const linkIn = ({ text }: Received): string => /^http:\S+$/m.exec(text)![0];
const isVerified = async ({ api }: SignedUp): Promise<boolean> =>
  (await api.auth.session()).user.emailVerified;
const textOf = async (page: Page): Promise<string> =>
  (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');

const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name }).click();
const headed = (page: Page, name: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name }).waitFor();

/** Heading, title and focus follow what the page has to say, which a reader is told of. */
const expectResult = async (page: Page, heading: string, text: string | RegExp): Promise<void> => {
  await headed(page, heading);
  await expect.poll(() => page.title()).toBe(`${heading} – SentryAgent`);
  await expect.poll(() => page.evaluate('document.activeElement?.textContent')).toBe(heading);
  expect((await page.getByRole('status').innerText()).replaceAll(/\s+/g, ' ')).toMatch(text);
  expect(await page.getByRole('alert').count()).toBe(0);
};

const confirmed = ({ email }: Pick<SignedUp, 'email'>): RegExp => new RegExp(`^${email} is confirmed\\.$`);

describe.each([true, false])('JavaScript: %s', (javaScript) => {
  it('The link of the mail confirms by a form without JavaScript, and with it', async () => {
    const person = await signUpByHttp(stack);
    const [mail] = await inbox.receive(person.email, 1);
    expect(mail!.subject).toBe('Confirm your email address for SentryAgent');
    const link = linkIn(mail!);
    expect(link.startsWith(`${stack.dashboardUrl}/verify-email?token=`)).toBe(true);
    expect(mail!.html).toContain(`href="${link}"`);

    // A scanner opens the link before the person does.
    for (let i = 0; i < 3; i++) expect((await fetch(link)).headers.get('cache-control')).toBe('no-store');
    const page = await open(link, javaScript);
    await headed(page, 'Confirm your email');
    expect(await isVerified(person)).toBe(false);
    await press(page, 'Confirm');
    await expectResult(page, 'Email confirmed', confirmed(person));
    expect(await isVerified(person)).toBe(true);

    await page.reload();
    await expectResult(page, 'Email confirmed', confirmed(person));
    const next = page.getByRole('main').getByRole('link', { name: 'Continue' });
    expect(await next.getAttribute('class')).toContain('button');

    await visit(page, link);
    await press(page, 'Confirm');
    await expectResult(
      page,
      'This link no longer works',
      /^A link works once and expires after 24 hours\. If you already used it, your address is confirmed\. Sign in to continue\.$/,
    );
    expect(await page.getByRole('main').getByRole('link').allInnerTexts()).toEqual(['Sign in']);
    await page.context().close();
  });

  it('A link that is tried while the API is away can be tried again', async () => {
    const person = await signUpByHttp(stack);
    const [mail] = await inbox.receive(person.email, 1);
    const page = await open(linkIn(mail!), javaScript);
    await stack.stopApi();
    try {
      await press(page, 'Confirm');
      await page.getByRole('alert').getByText('SentryAgent is unavailable').waitFor();
      await headed(page, 'Confirm your email');
    } finally {
      await stack.startApi();
    }
    await press(page, 'Confirm');
    await expectResult(page, 'Email confirmed', confirmed(person));
    await page.context().close();
  });

  it('The page tells of the link, whoever is signed in', async () => {
    const [reader, owner] = [await signUpByHttp(stack), await signUpByHttp(stack)];
    const [[own], [other]] = [await inbox.receive(reader.email, 1), await inbox.receive(owner.email, 1)];
    const page = await open(linkIn(own!), javaScript, reader);
    await press(page, 'Confirm');
    await expectResult(page, 'Email confirmed', confirmed(reader));

    await visit(page, `${stack.dashboardUrl}/verify-email?token=${'0'.repeat(48)}`);
    await press(page, 'Confirm');
    await expectResult(page, 'This link no longer works', /You are signed in as /);
    const actions = page.getByRole('main').locator('a, button');
    expect(await actions.allInnerTexts()).toEqual(['Continue']);

    await visit(page, linkIn(other!));
    await press(page, 'Confirm');
    await expectResult(page, 'Email confirmed', confirmed(owner));
    await page.context().close();
  });

  it('A person who is signed in sends a new link', async () => {
    const person = await signUpByHttp(stack);
    const [first] = await inbox.receive(person.email, 1);
    const page = await open(`${stack.dashboardUrl}/verify-email`, javaScript, person);
    await headed(page, 'Confirm your email');
    expect(await textOf(page)).toContain(`We will send a link to ${person.email}.`);
    if (javaScript) await expectAccessible(page);
    await press(page, 'Send a link');
    await expectResult(
      page,
      'Check your inbox',
      new RegExp(
        `^We sent a link to ${person.email}\\. If you do not see it, check your spam folder or send it again\\.$`,
      ),
    );
    if (javaScript) await expectAccessible(page);
    const mails = await inbox.receive(person.email, 2);
    const newer = mails.find((mail) => linkIn(mail) !== linkIn(first!))!;
    expect(newer.text).toMatch(/^Someone requested a new link/);

    await visit(page, linkIn(first!));
    await press(page, 'Confirm');
    await expectResult(page, 'This link no longer works', `We will send a new link to ${person.email}.`);
    expect(await page.getByRole('main').locator('a, button').allInnerTexts()).toEqual(['Send a new link']);
    await visit(page, linkIn(newer));
    await press(page, 'Confirm');
    await expectResult(page, 'Email confirmed', confirmed(person));
    expect(await isVerified(person)).toBe(true);
    await page.context().close();
  });

  it('Too many links are refused in words', async () => {
    const person = await signUpByHttp(stack);
    for (let i = 0; i < 5; i++) await person.api.auth.requestVerification();
    const page = await open(`${stack.dashboardUrl}/verify-email`, javaScript, person);
    await press(page, 'Send a link');
    await page
      .getByRole('alert')
      .getByText('Too many confirmation links for this account. Try again in about an hour.')
      .waitFor();
    expect(await page.getByRole('button', { name: 'Send a link' }).count()).toBe(1);
    await page.context().close();
  });
});

it('A button that is busy keeps the focus', async () => {
  const page = await open(`${stack.dashboardUrl}/sign-in`, true);
  await page.getByLabel('Email').fill('nobody@example.com');
  await page.getByLabel('Password').fill('wrong password');
  const button = page.getByRole('main').getByRole('button', { name: 'Sign in' });
  await button.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  expect(await page.evaluate('document.activeElement?.tagName')).toBe('BUTTON');
  await page.context().close();
});

it('What is wrong with a field stands there, in the words of the API', async () => {
  const { email } = await signUpByHttp(stack);
  const page = await open(`${stack.dashboardUrl}/sign-up`, true);
  const problemOf = async (label: string): Promise<string> => {
    const ids = (await page.getByLabel(label).getAttribute('aria-describedby')) ?? '';
    const id = ids.split(' ').find((one) => one.endsWith('-problem'));
    return (await page.locator(`#${id}`).innerText()).replaceAll(/\s+/g, ' ').trim();
  };
  const submit = async (address: string): Promise<void> => {
    await page.getByLabel('Email').fill(address);
    await page.getByLabel('Password').fill('correct horse battery');
    await press(page, 'Sign up');
    await page.getByRole('alert').first().waitFor();
  };
  await submit(email);
  expect(await problemOf('Email')).toBe('An account with this email address already exists. Sign in');
  await page.getByRole('alert').getByRole('link', { name: 'Sign in' }).click();
  await page.waitForURL('**/sign-in');
  await visit(page, `${stack.dashboardUrl}/sign-up`);
  await submit('üser@example.com');
  expect(await problemOf('Email')).toMatch(/^Email address must have only ASCII characters before the @/);
  await page.context().close();
});

const expectShownWhole = async (addressOf: (unique: string) => string): Promise<void> => {
  const person = await signUpByHttp(stack, addressOf(randomBytes(6).toString('hex')));
  const page = await open(`${stack.dashboardUrl}/verify-email`, true, person);
  for (const width of [320, 360, 1440]) {
    await page.setViewportSize({ width, height: 740 });
    expect(await textOf(page)).toContain(person.email);
    const wide = await page.evaluate('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(width);
    const card = await page
      .locator('.card')
      .evaluate(({ clientWidth, scrollWidth }) => scrollWidth - clientWidth);
    expect(card).toBe(0);
  }
  expect(await page.getByRole('banner').innerText()).toContain(person.email);
  await page.context().close();
};

it('An address in Unicode is shown whole, and the page does not scroll sideways', () =>
  expectShownWhole((unique) => `${unique}@bücher.example`));

it('An address of 254 characters is shown whole, and the page does not scroll sideways', () =>
  expectShownWhole((unique) => `${unique.padEnd(242, 'x')}@example.com`));

it('The page tells a visitor without a link what to do', async () => {
  for (const path of ['/verify-email', '/verify-email?confirmed']) {
    const page = await open(`${stack.dashboardUrl}${path}`, false);
    await headed(page, 'Confirm your email');
    expect(await textOf(page)).toContain('Open the link in our latest email, or sign in');
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    await page.waitForURL('**/sign-in?next=%2Fverify-email');
    await page.context().close();
  }
});
