import { createClient } from '@sentryagent/sdk';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, visit } from './support/browser.ts';
import { agentToken, newPageAs, signUpByHttp, useCalls } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const openAs = async (person: SignedUp, path: string): Promise<Page> => {
  const page = await newPageAs(browser, person, { viewport: { width: 1440, height: 900 } });
  await visit(page, `${stack.dashboardUrl}${path}`);
  return page;
};

const mainText = async (page: Page): Promise<string> =>
  (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');

const callApi = async (token: string, times: number): Promise<void> => {
  const api = createClient({ baseUrl: stack.apiUrl, headers: { authorization: `Bearer ${token}` } });
  for (let i = 0; i < times; i++) await api.agents.list();
};

describe('the Usage tab', () => {
  it('Shown usage equals the endpoint answer', async () => {
    const person = await signUpByHttp(stack);
    await callApi(await agentToken(stack, person), 3);
    const { metrics } = await person.api.billing.usage();
    const page = await openAs(person, '/usage');
    const text = await mainText(page);
    expect(metrics.api_calls.today).toBe(3);
    expect(text).toContain(`${metrics.api_calls.today} API calls of 1,000 today`);
    expect(text).toContain(`${metrics.active_agents.today} agent of 10`);
    expect(text).toContain(`${metrics.token_issuances.period} token this period`);
    await page.context().close();
  });

  it('Usage tab refreshes every 60 seconds', async () => {
    const person = await signUpByHttp(stack);
    const token = await agentToken(stack, person);
    const context = await browser.newContext();
    await person.enter(context);
    const page = await context.newPage();
    await page.clock.install();
    await visit(page, `${stack.dashboardUrl}/usage`);
    await page.getByText('0 API calls of 1,000 today').waitFor();
    await page.waitForLoadState('networkidle');
    await callApi(token, 2);
    await page.clock.fastForward(59_000);
    await page.waitForTimeout(0);
    expect(await mainText(page)).toContain('0 API calls of 1,000 today');
    await page.clock.fastForward(1_500);
    await page.getByText('2 API calls of 1,000 today').waitFor();
    await context.close();
  });

  it('Free tier warning shown when approaching limit', async () => {
    const [calm, near, full] = [
      await signUpByHttp(stack),
      await signUpByHttp(stack),
      await signUpByHttp(stack),
    ];
    await useCalls(stack, calm, 799);
    await useCalls(stack, near, 800);
    await useCalls(stack, full, 1_000);
    const quiet = await openAs(calm, '/usage');
    expect(await mainText(quiet)).toContain('799 API calls of 1,000 today');
    expect(await quiet.getByText('API calls for today are used').count()).toBe(0);

    const warned = await openAs(near, '/usage');
    const banner = warned.getByText('800 of 1,000 API calls for today are used');
    await banner.waitFor();
    await warned.getByRole('main').getByRole('link', { name: 'See pricing' }).click();
    await warned.waitForURL('**/pricing');

    const stopped = await openAs(full, '/usage');
    await stopped.getByText('All 1,000 API calls for today are used').waitFor();
    expect(await mainText(stopped)).toContain('API calls are rejected. The limit resets');
    for (const page of [quiet, warned, stopped]) await page.context().close();
  });

  it('Billing panel shows Free and active', async () => {
    const page = await openAs(await signUpByHttp(stack), '/usage');
    const panel = page.getByRole('region', { name: 'Plan' });
    expect(await panel.innerText()).toContain('Free, active');
    await panel.getByRole('button', { name: 'Upgrade to Paid' }).waitFor();
    await page.context().close();
  });

  it('shows a paying tenant Paid, its renewal date, counts without limits and no upgrade', async () => {
    const person = await signUpByHttp(stack);
    await stack.sql(
      `update tenant_subscriptions set tier = 'paid', status = 'active', renews_at = '2027-01-22T00:00:00Z' where tenant_id = $1`,
      [person.tenantId],
    );
    await useCalls(stack, person, 5_000);
    const page = await openAs(person, '/usage');
    const text = await mainText(page);
    expect(text).toContain('5,000 API calls');
    expect(text).not.toContain('of 1,000');
    expect(await page.getByRole('region', { name: 'Plan' }).innerText()).toMatch(
      /Paid, active[^]*renews[^]*2027/i,
    );
    expect(await page.getByRole('button', { name: 'Upgrade to Paid' }).count()).toBe(0);
    await page.context().close();
  });

  it('Unavailable usage is not shown as zero', async () => {
    const person = await signUpByHttp(stack);
    await callApi(await agentToken(stack, person), 1);
    const context = await browser.newContext();
    await person.enter(context);
    const page = await context.newPage();
    await page.clock.install();
    await visit(page, `${stack.dashboardUrl}/usage`);
    await page.waitForLoadState('networkidle');
    await stack.stopApi();
    await page.clock.fastForward(60_500);
    await page.getByText('Usage is unavailable right now').waitFor();
    const kept = await mainText(page);
    expect(kept).toMatch(/The values are as of \d\d:\d\d UTC\./);
    expect(kept).toContain('1 API call of 1,000 today');
    expect(kept).toContain('1 agent of 10');
    expect(kept).toContain('1 token this period');
    await stack.startApi();
    await page.clock.fastForward(60_500);
    await page.getByText('Usage is unavailable right now').waitFor({ state: 'detached' });
    await context.close();
  });
});

it('Pricing shows the rows of the catalogue', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await visit(page, `${stack.dashboardUrl}/pricing`);
  const { data } = await createClient({ baseUrl: stack.apiUrl }).billing.tiers();
  expect(data.map(({ name }) => name)).toEqual(['Free', 'Paid']);
  for (const tier of data) {
    const row = (await page.getByRole('region', { name: tier.name, exact: true }).innerText()).replaceAll(
      /\s+/g,
      ' ',
    );
    const shown = (limit: number | null) => (limit === null ? 'Unlimited' : limit.toLocaleString('en-US'));
    expect(row).toContain(`Active agents ${shown(tier.limits.agents)}`);
    expect(row).toContain(`API calls a day ${shown(tier.limits.apiCallsPerDay)}`);
    expect(row).toContain(`$${(tier.price?.amount ?? 0) / 100}`);
  }
  await context.close();
});

describe('people', () => {
  it('sign out and in again; a wrong password and a used address get a clear answer', async () => {
    const person = await signUpByHttp(stack);
    const page = await openAs(person, '/usage');
    await page.getByRole('button', { name: 'Account menu' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in' }).first().waitFor();
    await visit(page, `${stack.dashboardUrl}/usage`);
    await page.waitForURL('**/sign-in**');

    await page.getByLabel('Email').fill(person.email);
    await page.getByLabel('Password').fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('email address or the password is wrong').waitFor();
    expect(await page.getByLabel('Email').inputValue()).toBe(person.email);
    await page.getByLabel('Password').fill(person.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/usage');

    await page.context().clearCookies();
    await visit(page, `${stack.dashboardUrl}/sign-up`);
    await page.getByLabel('Email').fill(person.email);
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign up' }).click();
    await page.getByRole('alert').getByText('already exists').waitFor();
    await page.context().close();
  });

  it('reach the API’s sign-in through the dashboard alone, with its Origin', async () => {
    const person = await signUpByHttp(stack);
    const signIn = (origin: string) =>
      fetch(`${stack.dashboardUrl}/auth/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin },
        body: JSON.stringify({ email: person.email, password: person.password }),
      });
    const own = await signIn(stack.dashboardUrl);
    expect(own.status).toBe(200);
    expect(own.headers.get('set-cookie')).toMatch(/^sentryagent=.*HttpOnly/);
    const foreign = await signIn('http://evil.test');
    expect([foreign.status, foreign.headers.get('set-cookie')]).toEqual([403, null]);
  });

  it('are never sent to another site after they sign in', async () => {
    const person = await signUpByHttp(stack);
    const context = await browser.newContext();
    const page = await context.newPage();
    await visit(page, `${stack.dashboardUrl}/sign-in?next=//evil.test/x`);
    await page.getByLabel('Email').fill(person.email);
    await page.getByLabel('Password').fill(person.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Account menu' }).waitFor();
    expect(new URL(page.url()).origin).toBe(stack.dashboardUrl);
    await context.close();
  });
});
