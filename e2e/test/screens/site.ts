import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { PATIENCE_MS } from '../support/browser.ts';
import { signUpByHttp } from '../support/people.ts';
import type { SignedUp } from '../support/people.ts';
import { codeOfApp } from '../../../dev/test/support/totp.ts';
import { go, headed, newcomer, open, picture, press } from './studio.ts';
import type { Studio } from './studio.ts';

/** The link of the latest mail with this subject. */
const linkIn = async ({ inbox }: Studio, email: string, subject: string): Promise<string> => {
  let link: string | undefined;
  const find = async () => {
    const mails = (await inbox.receive(email, 1)).filter((mail) => mail.subject === subject);
    return (link = /^http:\S+$/m.exec(mails.at(-1)?.text ?? '')?.[0]);
  };
  await expect.poll(find, { timeout: PATIENCE_MS }).toBeDefined();
  return link!;
};

const fill = async (page: Page, values: Record<string, string>): Promise<void> => {
  for (const [label, value] of Object.entries(values))
    await page.getByRole('main').getByLabel(label, { exact: true }).fill(value);
};

export const walkSite = async (studio: Studio): Promise<void> => {
  const page = await open(studio, null, '/');
  await picture(studio, page, 'site-home', 'The home page.');
  await go(studio, page, '/pricing');
  await picture(studio, page, 'site-pricing', 'Pricing for a visitor.');
  await go(studio, page, '/nowhere');
  await picture(studio, page, 'site-not-found', 'A path that does not exist.');
  await go(studio, page, '/sign-up');
  await picture(studio, page, 'account-sign-up', 'Sign-up.');
  await fill(page, { Email: 'ada@example.com', Password: 'password1' });
  await press(page, 'Sign up');
  await page.locator('#password-problem').waitFor();
  await picture(
    studio,
    page,
    'account-sign-up-problem',
    'Sign-up refuses a common password with the reason.',
  );
  await go(studio, page, '/sign-in');
  await picture(studio, page, 'account-sign-in', 'Sign-in.');
  await fill(page, { Email: 'ada@example.com', Password: 'not the password' });
  await press(page, 'Sign in');
  await page.getByRole('alert').first().waitFor();
  await picture(studio, page, 'account-sign-in-problem', 'Sign-in with a wrong password.');
  await page.context().close();
};

export const walkPassword = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'forgetful');
  const page = await open(studio, null, '/forgot-password');
  await picture(studio, page, 'account-forgot-password', 'A forgotten password: the address is asked for.');
  await fill(page, { Email: person.email });
  await press(page, 'Send a link');
  await headed(page, 'Check your inbox');
  await picture(studio, page, 'account-forgot-password-sent', 'The link was sent.');
  await go(studio, page, await linkIn(studio, person.email, 'Reset your SentryAgent password'));
  await picture(studio, page, 'account-reset-password', 'The link of the mail: a new password.');
  await fill(page, { 'New password': 'password1' });
  await press(page, 'Set password');
  await page.locator('#newPassword-problem, #password-problem').first().waitFor();
  await picture(
    studio,
    page,
    'account-reset-password-problem',
    'A common password is refused with the reason.',
  );
  await fill(page, { 'New password': 'another horse battery' });
  await press(page, 'Set password');
  await headed(page, 'Password changed');
  await picture(studio, page, 'account-reset-password-done', 'The password is changed.');
  await go(studio, page, `/reset-password?token=${'0'.repeat(24)}`);
  await fill(page, { 'New password': 'another horse battery' });
  await press(page, 'Set password');
  await headed(page, 'This link no longer works');
  await picture(studio, page, 'account-reset-password-used', 'A link that was used or has expired.');
  await page.context().close();
};

export const walkVerification = async (studio: Studio): Promise<void> => {
  const person = await signUpByHttp(studio.stack, 'unconfirmed@example.com');
  const page = await open(studio, person, '/agents');
  await picture(
    studio,
    page,
    'account-unconfirmed',
    'The notice on each page until the address is confirmed.',
  );
  await go(studio, page, '/verify-email');
  await picture(studio, page, 'account-verify-email', 'A signed-in person asks for the link again.');
  await press(page, 'Send a link');
  await headed(page, 'Check your inbox');
  await picture(studio, page, 'account-verify-email-sent', 'The link was sent again.');
  const link = await linkIn(studio, person.email, 'Confirm your email address for SentryAgent');
  const visitor = await open(studio, null, '/verify-email');
  await picture(studio, visitor, 'account-verify-email-visitor', 'The page without a link, for a visitor.');
  await go(studio, visitor, `/verify-email?token=${'0'.repeat(48)}`);
  await picture(studio, visitor, 'account-verify-email-link', 'The link of the mail: one press confirms.');
  await press(visitor, 'Confirm');
  await headed(visitor, 'This link no longer works');
  await picture(studio, visitor, 'account-verify-email-used', 'A link that was used or has expired.');
  await visitor.context().close();
  await go(studio, page, link);
  await press(page, 'Confirm');
  await page.getByRole('heading', { level: 1, name: /Email confirmed|no longer works/ }).waitFor();
  if ((await page.getByRole('heading', { level: 1 }).innerText()) !== 'Email confirmed') {
    await studio.inbox.receive(person.email, 2);
    throw new Error('The older link was taken');
  }
  await picture(studio, page, 'account-verify-email-done', 'The address is confirmed.');
  await page.context().close();
};

export const walkChangeOfEmail = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'mover');
  const page = await open(studio, person, '/settings');
  await fill(page, { 'New email': 'moved@example.com', 'Your password': person.password });
  await press(page, 'Change email');
  await page.getByRole('status').filter({ hasText: 'We sent a link' }).waitFor();
  await picture(studio, page, 'settings-email-sent', 'The new address has to be confirmed.');
  await go(
    studio,
    page,
    await linkIn(studio, 'moved@example.com', 'Confirm your new email address for SentryAgent'),
  );
  await picture(studio, page, 'account-change-email', 'The link of the mail to the new address.');
  await press(page, 'Confirm');
  await headed(page, 'Email address changed');
  await picture(studio, page, 'account-change-email-done', 'The address is changed.');
  await page.context().close();
};

/** Turning on, the sign-in with a code, and turning off. */
export const walkTwoFactor = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'careful');
  const page = await open(studio, person, '/settings/two-factor');
  await picture(studio, page, 'two-factor-start', 'Two-factor sign-in asks for the password first.');
  await fill(page, { 'Your password': person.password });
  await press(page, 'Continue');
  const shown = page.getByRole('group', { name: 'Key' }).locator('code');
  await shown.waitFor();
  await fill(page, { Code: '12345' });
  await picture(studio, page, 'two-factor-key', 'The QR code and the key for the app.');
  await press(page, 'Turn on');
  await page.locator('#code-problem').waitFor();
  await picture(studio, page, 'two-factor-key-problem', 'A wrong code.');
  await fill(page, { Code: codeOfApp((await shown.innerText()).replaceAll(/\s/g, '')) });
  await press(page, 'Turn on');
  await headed(page, 'Your recovery codes');
  await picture(studio, page, 'two-factor-recovery-codes', 'The recovery codes, shown once.');
  await page.getByLabel('I have stored them').check();
  await press(page, 'Continue');
  await headed(page, 'Settings');
  await picture(studio, page, 'settings-two-factor-on', 'Settings with two-factor sign-in.');
  await page.getByRole('link', { name: 'Get new recovery codes' }).click();
  await headed(page, 'New recovery codes');
  await picture(studio, page, 'two-factor-new-codes', 'New recovery codes need the password and a code.');
  await go(studio, page, '/settings');
  await page.getByRole('link', { name: 'Turn off' }).click();
  await headed(page, 'Turn off two-factor sign-in');
  await picture(studio, page, 'two-factor-off', 'Turning it off needs both too.');
  await page.context().clearCookies();
  await go(studio, page, '/sign-in');
  await fill(page, { Email: person.email, Password: person.password });
  await press(page, 'Sign in');
  await headed(page, 'Two-factor sign-in');
  await picture(studio, page, 'account-two-factor', 'The second step of the sign-in.');
  await fill(page, { Code: '000 000' });
  await press(page, 'Sign in');
  await page.locator('#code-problem').waitFor();
  await picture(studio, page, 'account-two-factor-problem', 'A code that is not valid.');
  await page.getByRole('link', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').waitFor();
  await picture(studio, page, 'account-two-factor-recovery', 'A recovery code instead.');
  await page.context().close();
};

const signIn = async (studio: Studio, { email, password }: SignedUp): Promise<Page> => {
  const page = await open(studio, null, '/sign-in');
  await fill(page, { Email: email, Password: password });
  await press(page, 'Sign in');
  await page.waitForURL('**/usage');
  return page;
};

export const walkSettings = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'ada');
  const other = await signIn(studio, person);
  const page = await signIn(studio, person);
  await go(studio, page, '/settings');
  await picture(studio, page, 'settings', 'Settings: profile, password, two-factor, sessions, tenant.');
  await fill(page, { 'Current password': 'not the password', 'New password': 'ada' });
  await press(page, 'Change password');
  await page.locator('[id$=-problem]').first().waitFor();
  await picture(studio, page, 'settings-problem', 'A wrong password is told at its field.');
  await press(page, 'Sign out everywhere else');
  await page.getByText('You are signed out everywhere else.').waitFor();
  await picture(studio, page, 'settings-signed-out-elsewhere', 'All other sessions have ended.');
  await studio.stack.sql(`update members set role = 'member' where tenant_id = $1`, [person.tenantId]);
  await go(studio, page, '/settings');
  await picture(studio, page, 'settings-member', 'Settings of a member who may not rename the tenant.');
  await go(studio, page, '/sign-out');
  await picture(studio, page, 'account-sign-out', 'Sign-out, if its page is opened by hand.');
  await other.context().close();
  await page.context().close();
};
