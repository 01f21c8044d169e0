import { randomBytes } from 'node:crypto';
import { createClient } from '@sentryagent/sdk';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { checkPage } from './support/fit.ts';
import { startInbox } from './support/inbox.ts';
import type { Inbox } from './support/inbox.ts';
import { newPageAs, signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

const NEW = 'another horse battery';

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

const open = async (path: string, javaScriptEnabled: boolean, person?: SignedUp): Promise<Page> => {
  const page = await newPageAs(browser, person, { javaScriptEnabled });
  await visit(page, path.startsWith('http') ? path : `${stack.dashboardUrl}${path}`);
  return page;
};

const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('main').getByRole('button', { name, exact: true }).click();
const headed = (page: Page, name: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name }).waitFor();
const said = (page: Page, text: string | RegExp): Promise<void> =>
  page.getByRole('status').filter({ hasText: text }).waitFor();

const problemOf = async (page: Page, label: string): Promise<string> => {
  const field = page.getByLabel(label, { exact: true });
  await expect.poll(() => field.getAttribute('aria-invalid')).toBe('true');
  const ids = (await field.getAttribute('aria-describedby')) ?? '';
  return page.locator(`#${ids.split(' ').find((id) => id.endsWith('-problem'))}`).innerText();
};

/** The link of the latest mail with this subject. */
const linkTo = async (email: string, subject: string): Promise<string> => {
  let link: string | undefined;
  await expect
    .poll(
      async () => {
        const mails = await inbox.receive(email, 1);
        const [mail] = mails.filter((one) => one.subject === subject).slice(-1);
        return (link = mail && /^http:\S+$/m.exec(mail.text)?.[0]);
      },
      { timeout: PATIENCE_MS },
    )
    .toBeDefined();
  return link!;
};

const isSignedIn = ({ cookie }: Pick<SignedUp, 'cookie'>): Promise<boolean> =>
  createClient({ baseUrl: stack.apiUrl, headers: { cookie } })
    .auth.session()
    .then(
      () => true,
      () => false,
    );

const newEmail = (): string => `${randomBytes(6).toString('hex')}@example.com`;

describe.each([true, false])('JavaScript: %s', (javaScript) => {
  const check = async (page: Page, name: string): Promise<void> => {
    if (javaScript) await checkPage(page, name);
  };

  it('A forgotten password is reset by forms without JavaScript, and with it', async () => {
    const person = await signUpByHttp(stack);
    const page = await open('/sign-in', javaScript);
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await headed(page, 'Forgot your password?');
    await check(page, 'forgot-password');
    await page.getByLabel('Email').fill(person.email);
    await press(page, 'Send a link');
    await headed(page, 'Check your inbox');
    await said(page, `If ${person.email} has an account, we sent a link to it.`);
    await check(page, 'forgot-password-sent');

    const link = await linkTo(person.email, 'Reset your SentryAgent password');
    // A scanner opens the link before the person does.
    for (let i = 0; i < 3; i++) {
      const { headers } = await fetch(link);
      expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual([
        'no-store',
        'same-origin',
      ]);
    }
    await visit(page, link);
    await headed(page, 'Choose a new password');
    await check(page, 'reset-password');
    await page.getByLabel('New password').fill('password1');
    await press(page, 'Set password');
    expect(await problemOf(page, 'New password')).toMatch(/^The password is one of the most common ones\./);
    if (!javaScript) expect(page.url()).not.toContain('token');
    await check(page, 'reset-password-weak');
    await page.getByLabel('New password').fill(NEW);
    await press(page, 'Set password');
    await headed(page, 'Password changed');
    expect(page.url()).toBe(`${stack.dashboardUrl}/reset-password?done`);
    await check(page, 'reset-password-done');
    expect(await isSignedIn(person)).toBe(false);

    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    await page.waitForURL('**/sign-in');
    await page.getByLabel('Email').fill(person.email);
    await page.getByLabel('Password').fill(NEW);
    await press(page, 'Sign in');
    await page.waitForURL('**/usage');

    await visit(page, link);
    await page.getByLabel('New password').fill('a third horse battery');
    await press(page, 'Set password');
    await headed(page, 'This link no longer works');
    await check(page, 'reset-password-used');
    await page.getByRole('link', { name: 'Request a new link' }).click();
    await headed(page, 'Forgot your password?');
    await page.context().close();
  });

  it('An address without an account looks the same on the page', async () => {
    const page = await open('/forgot-password', javaScript);
    await page.getByLabel('Email').fill('nobody@example.com');
    await press(page, 'Send a link');
    await headed(page, 'Check your inbox');
    await said(page, 'If nobody@example.com has an account, we sent a link to it.');
    await visit(page, `${stack.dashboardUrl}/forgot-password`);
    await page.getByLabel('Email').fill('no address');
    await press(page, 'Send a link');
    expect(await problemOf(page, 'Email')).toMatch(/^Email address must have the form/);
    await visit(page, `${stack.dashboardUrl}/reset-password`);
    await page.getByRole('link', { name: 'Request a new link' }).waitFor();
    await page.context().close();
  });

  it('The settings change the password', async () => {
    const person = await signUpByHttp(stack);
    const page = await open('/settings', javaScript, person);
    await check(page, 'settings');
    const send = async (current: string, next: string): Promise<void> => {
      await page.getByLabel('Current password').fill(current);
      await page.getByLabel('New password').fill(next);
      await press(page, 'Change password');
    };
    await send('not the password', NEW);
    expect(await problemOf(page, 'Current password')).toBe(
      'The current password is wrong. Check it and try again.',
    );
    await check(page, 'settings-wrong-password');
    await send(person.password, `${person.email.split('@')[0]} 1`);
    expect(await problemOf(page, 'New password')).toMatch(
      /contains the part of your email address before the @/,
    );
    await send(person.password, NEW);
    await said(page, 'Your password is changed. All other sessions have ended.');
    expect(await page.getByLabel('New password').inputValue()).toBe('');
    await check(page, 'settings-password-changed');
    expect(await isSignedIn(person)).toBe(false);
    await page.reload();
    await headed(page, 'Settings');
    await page.context().close();
  });

  it('The settings change the email address', async () => {
    const [person, email] = [await signUpByHttp(stack), newEmail()];
    const page = await open('/settings', javaScript, person);
    const send = async (address: string, password: string): Promise<void> => {
      await page.getByLabel('New email').fill(address);
      await page.getByLabel('Your password').fill(password);
      await press(page, 'Change email');
    };
    await send(person.email, person.password);
    expect(await problemOf(page, 'New email')).toMatch(/^This is already your email address\./);
    await send(email, 'not the password');
    expect(await problemOf(page, 'Your password')).toMatch(/^The password is wrong\./);
    expect(await page.getByLabel('New email').inputValue()).toBe(email);
    await send(email, person.password);
    await said(page, 'We sent a link to your new address.');

    await visit(page, await linkTo(email, 'Confirm your new email address for SentryAgent'));
    await headed(page, 'Confirm your new address');
    await check(page, 'change-email');
    await press(page, 'Confirm');
    await headed(page, 'Email address changed');
    await check(page, 'change-email-done');
    await page.getByRole('link', { name: 'Continue' }).click();
    await headed(page, 'Settings');
    const profile = page.getByRole('region', { name: 'Profile' });
    await profile.getByText(email).waitFor();
    await profile.getByText('Confirmed', { exact: true }).waitFor();
    await page.context().close();
  });

  it('A person with an unconfirmed address is asked to confirm it on every page of the console', async () => {
    const person = await signUpByHttp(stack);
    const page = await open('/agents', javaScript, person);
    const notice = page.getByRole('complementary', { name: 'Unconfirmed email address' });
    await notice.getByText(`Confirm ${person.email}`).waitFor();
    await notice.getByRole('button', { name: 'Send a new link' }).click();
    await headed(page, 'Check your inbox');
    await visit(page, `${stack.dashboardUrl}/settings`);
    await page
      .getByRole('region', { name: 'Two-factor sign-in' })
      .getByRole('button', { name: 'Send a new link' })
      .click();
    await headed(page, 'Check your inbox');
    await said(page, `We sent a link to ${person.email}.`);
    await inbox.receive(person.email, 3);
    const link = await linkTo(person.email, 'Confirm your email address for SentryAgent');
    await visit(page, link);
    await press(page, 'Confirm');
    await page.getByRole('heading', { level: 1, name: /Email confirmed|no longer works/ }).waitFor();
    await page.context().close();
  });

  it('The settings rename the tenant', async () => {
    const person = await signUpByHttp(stack);
    const page = await open('/settings', javaScript, person);
    const tenant = page.getByRole('region', { name: 'Tenant' });
    await tenant.getByText(person.tenantId).waitFor();
    const name = page.getByLabel('Name', { exact: true });
    await name.fill('');
    await press(page, 'Save name');
    expect(await problemOf(page, 'Name')).toBe('Name is required.');
    await name.fill('Acme Robotics');
    await press(page, 'Save name');
    await said(page, 'The tenant is now called Acme Robotics.');
    expect(await name.inputValue()).toBe('Acme Robotics');
    await page.context().close();
  });
});

it('A member who may not rename the tenant learns who can', async () => {
  const person = await signUpByHttp(stack);
  await stack.sql(`update members set role = 'member' where tenant_id = $1`, [person.tenantId]);
  const page = await open('/settings', false, person);
  await page.getByText('ask an owner or admin of your tenant').waitFor();
  expect(await page.getByRole('button', { name: 'Save name' }).count()).toBe(0);
  await page.context().close();
});

it('Nobody else’s page sends the forms of an account', async () => {
  const person = await signUpByHttp(stack);
  const paths = [
    '/settings?/rename',
    '/settings?/password',
    '/settings?/email',
    '/verify-email?/send',
    '/auth/password/change',
    '/auth/email/change',
  ];
  for (const path of paths) {
    for (const origin of ['https://evil.example', 'null']) {
      const { status } = await fetch(`${stack.dashboardUrl}${path}`, {
        method: 'POST',
        headers: {
          origin,
          cookie: person.cookie,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'name=Taken&currentPassword=x&newPassword=y',
      });
      expect([path, origin, status]).toEqual([path, origin, 403]);
    }
  }
  const proxied = await fetch(`${stack.dashboardUrl}/tenant`, { headers: { cookie: person.cookie } });
  expect(proxied.status).toBe(404);
});
