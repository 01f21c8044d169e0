import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser } from './support/browser.ts';
import { startInbox } from './support/inbox.ts';
import type { Inbox, Received } from './support/inbox.ts';
import { signUpByHttp } from './support/people.ts';
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
  const context = await browser.newContext({ javaScriptEnabled });
  context.setDefaultTimeout(15_000);
  await person?.enter(context);
  const page = await context.newPage();
  await page.goto(url);
  return page;
};

const linkIn = ({ text }: Received): string => /^http:\S+$/m.exec(text)![0];
const isVerified = async ({ api }: SignedUp): Promise<boolean> =>
  (await api.auth.session()).user.emailVerified;
const textOf = async (page: Page): Promise<string> =>
  (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');

it('The link of the mail confirms by a form without JavaScript', async () => {
  const person = await signUpByHttp(stack);
  const [mail] = await inbox.receive(person.email, 1);
  expect(mail!.subject).toBe('Confirm your email address for SentryAgent');
  const link = linkIn(mail!);
  expect(link.startsWith(`${stack.dashboardUrl}/verify-email?token=`)).toBe(true);
  expect(mail!.html).toContain(`href="${link}"`);

  // A scanner opens the link before the person does.
  for (let i = 0; i < 3; i++) expect((await fetch(link)).headers.get('cache-control')).toBe('no-store');
  const page = await open(link, false);
  expect(await isVerified(person)).toBe(false);
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByText('Your email address is confirmed.').waitFor();
  expect(await isVerified(person)).toBe(true);

  await page.goto(link);
  await page.getByRole('button', { name: 'Confirm' }).click();
  expect(await textOf(page)).toMatch(/is wrong, has expired or was used already.*sign in/);
  await page.context().close();
});

it.each([false, true])('a person who is signed in sends a new link; JavaScript: %s', async (javaScript) => {
  const person = await signUpByHttp(stack);
  const [first] = await inbox.receive(person.email, 1);
  const page = await open(`${stack.dashboardUrl}/verify-email`, javaScript, person);
  expect(await textOf(page)).toContain(person.email);
  if (javaScript) expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.getByRole('button', { name: 'Send a new link' }).click();
  await page.getByText('We sent a new link').waitFor();
  const mails = await inbox.receive(person.email, 2);
  const newer = mails.map(linkIn).find((link) => link !== linkIn(first!))!;

  await page.goto(linkIn(first!));
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('button', { name: 'Send a new link' }).count()).toBe(1);
  await page.goto(newer);
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByText('Your email address is confirmed.').waitFor();
  expect(await isVerified(person)).toBe(true);
  await page.context().close();
});

it('The page tells a visitor without a link what to do', async () => {
  const page = await open(`${stack.dashboardUrl}/verify-email`, false);
  expect(await textOf(page)).toContain('Open the link of the newest mail, or sign in');
  await page.getByRole('main').getByRole('link', { name: 'sign in' }).click();
  await page.waitForURL('**/sign-in?next=%2Fverify-email');
  await page.context().close();
});
